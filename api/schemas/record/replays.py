"""Replays: request and answer."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field

from api.schemas.record.ledger import EntryAnswer
from api.schemas.requests import CandlesByTimeframe, EpochMs, RequestModel
from api.schemas.responses import AnalyzeResponse, ResponseModel, common_fields
from domain.ledger.entries import LedgerLane
from domain.market import Timeframe
from domain.naming.symbols import SymbolName
from services.ledger.replays.comparison import EntryDifference, FieldDifference, ReplayedForecast
from services.ledger.replays.replays import Replay

_EXAMPLE: dict[str, Any] = {"symbol": "BTCUSDT", "as_of": 1640995200000, "timeframes": ["1h", "4h"]}


class ReplayRequest(RequestModel):
    """A market and a moment of its past."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    symbol: SymbolName
    as_of: EpochMs = Field(description="The moment, epoch ms in the past; candles that close later are left out.")
    timeframes: Annotated[list[Timeframe], Field(max_length=len(Timeframe))] | None = Field(
        None, description="To be read; without them those of the settings, or those sent."
    )
    timeframe_data: CandlesByTimeframe | None = Field(
        None, description="Candles by timeframe, oldest first. Without them stored ones, else those of the sources."
    )


class ReplayedField(ResponseModel):
    """A field of an entry, as it was said and as it would be said by the replay."""

    field: str
    recorded: float | str | None
    replayed: float | str | None
    difference: Annotated[float | None, Field(description="`replayed` less `recorded`; null where that is no figure.")]
    equal: bool

    @classmethod
    def of(cls, difference: FieldDifference) -> Self:
        """Return the answer for a field."""
        return cls(
            field=difference.field,
            recorded=difference.recorded,
            replayed=difference.replayed,
            difference=difference.difference,
            equal=difference.equal,
        )


class ReplayedEntry(ResponseModel):
    """An entry of rules, model or blend, field by field beside the replay."""

    entry_id: str
    lane: LedgerLane
    fields: list[ReplayedField]

    @classmethod
    def of(cls, difference: EntryDifference) -> Self:
        """Return the answer for an entry."""
        return cls(
            entry_id=difference.entry_id,
            lane=difference.lane,
            fields=[ReplayedField.of(field) for field in difference.fields],
        )


class ReplayedFurther(ResponseModel):
    """The forecast of a model of a further horizon, beside the one that was kept of the same candle."""

    horizon_candles: int
    version: str
    probability_up: Annotated[
        ReplayedField, Field(description="`recorded` is null where the loop did not follow the market then.")
    ]

    @classmethod
    def of(cls, forecast: ReplayedForecast) -> Self:
        """Return the answer for a forecast."""
        said = ReplayedField.of(forecast.probability_up)
        return cls(horizon_candles=forecast.horizon_candles, version=forecast.version, probability_up=said)


class ReplayResponse(AnalyzeResponse):
    """The analysis of then, and what the ledger has of the same candle."""

    model_version: Annotated[
        str | None, Field(description="Version in production then for the market and timeframe; null without one.")
    ]
    recorded: Annotated[list[EntryAnswer], Field(description="Entries of the same candle, the LLM's included.")]
    differences: Annotated[list[ReplayedEntry], Field(description="Of the entries of rules, model and blend.")]
    further: Annotated[
        list[ReplayedFurther], Field(description="By models of further horizons in production then, of its timeframe.")
    ]

    @classmethod
    def of(cls, replay: Replay) -> Self:
        """Return the answer for a replay."""
        return cls(
            **common_fields(replay.analysis, cached=False),
            signal=replay.analysis.signal,
            model_version=replay.model_version,
            recorded=[EntryAnswer.of(record) for record in replay.recorded],
            differences=[ReplayedEntry.of(difference) for difference in replay.differences],
            further=[ReplayedFurther.of(forecast) for forecast in replay.further],
        )
