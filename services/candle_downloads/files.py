"""The past of a market from a source into its file."""

from __future__ import annotations

from typing import Any

from config.settings import MarketDataSettings
from domain.jobs import TellShare
from domain.market import CandleSeries
from domain.session_finder import find_sessions
from services.candle_downloads.origins import DownloadSource
from services.candle_downloads.progress import DownloadProgress
from services.candle_downloads.report import series_report
from services.market_data.history.downloading import HistoryFile, HistoryRange
from services.market_data.history.paging import Pager
from services.market_data.sources.opening import open_history
from utils.clock import Clock


async def fetch_into(
    file: HistoryFile,
    wanted: HistoryRange,
    source: DownloadSource,
    settings: MarketDataSettings,
    clock: Clock,
    tell: TellShare,
) -> None:
    """Fetch what a file lacks; the caller saves it, also after a failure.

    Raises:
        MarketDataUnavailable, Conflict: see `HistoryFile.fetch`.
        ConfigurationError: the source lacks what it needs.
    """
    progress = DownloadProgress(f"{wanted.symbol} from {source}", wanted.since_ms, wanted.until_ms, tell)
    async with open_history(source, settings, clock) as history:
        await file.fetch(Pager(history, progress.pause), wanted, progress.read)


def file_report(file: HistoryFile, symbol: str, source: DownloadSource) -> dict[str, Any]:
    """Return what a file holds and how much of it is new, as plain values; the rest as `series_report`."""
    sessions = find_sessions(symbol, file.times_ms, file.timeframe.ms)
    series = CandleSeries.of_arrays(file.timeframe, file.times_ms, file.rows, sessions)
    return {
        "symbol": symbol,
        "timeframe": file.timeframe.value,
        "source": source,
        "file": str(file.path),
        "added": len(file) - file.candles_before,
        **series_report(series),
    }
