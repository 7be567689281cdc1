"""Requests for downloads of candles into the store."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from api.schemas.requests import EpochMs, RequestModel
from domain.market import Timeframe
from domain.naming.symbols import SymbolName
from services.candle_downloads.origins import DownloadSource

MAX_SYMBOLS = 20


class DownloadCandlesRequest(RequestModel):
    """Which candles to download into the store."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"symbols": ["BTCUSDT"], "timeframe": "1h", "since": 1_735_689_600_000}],
        }
    )

    symbols: Annotated[list[SymbolName], Field(min_length=1, max_length=MAX_SYMBOLS)]
    timeframe: Annotated[Timeframe, Field(description="Length of a candle.")]
    since: EpochMs = Field(
        description="Earliest open time, epoch milliseconds, UTC. From then on there may be as many candles as the "
        "store keeps of a series (storage.candles_per_series)."
    )
    until: EpochMs | None = Field(None, description="Latest close, epoch milliseconds, UTC; now by default.")
    source: DownloadSource | None = Field(
        None, description="Where from; binance for coins, yahoo for all others by default."
    )

    @property
    def distinct_symbols(self) -> tuple[str, ...]:
        """The symbols, each once."""
        return tuple(dict.fromkeys(self.symbols))
