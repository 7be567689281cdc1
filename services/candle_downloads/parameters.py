"""What a job downloads into the store."""

from __future__ import annotations

from config.settings import Settings
from domain.errors import InvalidRequest
from domain.market import Timeframe
from domain.naming.symbols import SymbolName
from domain.values import Frozen, epoch_ms
from services.candle_downloads.capacity import require_room
from services.candle_downloads.origins import DownloadSource
from utils.clock import Clock


class DownloadParameters(Frozen):
    """The parameters of a job, as JSON.

    Attributes:
        symbols: Markets, each once.
        timeframe: Length of a candle.
        since_ms: Earliest open time, epoch ms.
        until_ms: Latest close.
        source: Where from; None takes the usual one of each market.
    """

    symbols: tuple[SymbolName, ...]
    timeframe: Timeframe
    since_ms: int
    until_ms: int
    source: DownloadSource | None = None

    @classmethod
    def of(
        cls,
        symbols: tuple[str, ...],
        timeframe: Timeframe,
        since_ms: int,
        until_ms: int | None,
        source: DownloadSource | None,
        settings: Settings,
        clock: Clock,
    ) -> DownloadParameters:
        """Return parameters of a download that ends now at the latest.

        Raises:
            InvalidRequest: no candle can have closed in this time, or the store would not keep all of them.
        """
        now_ms = epoch_ms(clock.now())
        end_ms = now_ms if until_ms is None else min(until_ms, now_ms)
        if since_ms + timeframe.ms > end_ms:
            raise InvalidRequest(f"since has to be at least one candle of {timeframe} before until and before now")
        for symbol in symbols:
            require_room(symbol, timeframe, since_ms, end_ms, settings.storage.candles_per_series)
        return cls(symbols=symbols, timeframe=timeframe, since_ms=since_ms, until_ms=end_ms, source=source)
