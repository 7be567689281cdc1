"""The candles of a file that was sent."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field

from api.schemas.record.past import ShownCandle
from api.schemas.responses import ResponseModel
from domain.market import Timeframe
from services.candle_files.messages import FoundCandles

_Moment = Annotated[int | None, Field(description="Epoch milliseconds; null where nothing was read yet.")]


class ReadCandlesAnswer(ResponseModel):
    """What was understood of a file, and its newest candles in the form of requests."""

    choose: Annotated[
        Literal["symbol", "timeframe"] | None,
        Field(description="What the file has several of: send it again with one of them. Null: candles were read."),
    ]
    symbols: Annotated[list[str], Field(description="Markets as the file writes them; none where it names none.")]
    timeframes: Annotated[list[Timeframe], Field(description="Those of the file that can be read.")]
    symbol: Annotated[str | None, Field(description="As this service spells it; null where the file does not tell.")]
    timeframe: Timeframe | None
    count: Annotated[int, Field(ge=0, description="Candles of the file.")]
    missing: Annotated[int, Field(ge=0, description="Candles that lack between the first and the last.")]
    first: Annotated[_Moment, Field(description="Open time of the first candle, epoch ms.")]
    last: Annotated[_Moment, Field(description="Open time of the last candle, epoch ms.")]
    last_close: Annotated[_Moment, Field(description="When the last candle closes: `as_of` for old candles.")]
    form: Annotated[str | None, Field(description='The export that it is, such as "Kraken export", or "CSV".')]
    columns: Annotated[list[str], Field(description="What is known of a candle; without `volume` where it is not.")]
    warnings: Annotated[list[str], Field(description="What was left out, repaired or assumed, in words.")]
    candles: Annotated[list[ShownCandle], Field(description="The newest, oldest first; a volume not known is 0.")]

    @classmethod
    def of(cls, candles: FoundCandles) -> Self:
        """Return the answer for what was found."""
        names = ("timestamp", "open", "high", "low", "close")
        return cls(
            choose=candles.choose,
            symbols=list(candles.symbols),
            timeframes=list(candles.timeframes),
            symbol=candles.symbol,
            timeframe=candles.timeframe,
            count=candles.count,
            missing=candles.missing,
            first=candles.first_ms,
            last=candles.last_ms,
            last_close=candles.last_close_ms,
            form=candles.form,
            columns=list(candles.columns),
            warnings=list(candles.notes),
            candles=[
                ShownCandle.model_validate({**dict(zip(names, row, strict=False)), "volume": row[5] or 0.0})
                for row in candles.candles
            ],
        )
