"""How far a download is, in words and as a share."""

from __future__ import annotations

from domain.jobs import TellShare
from domain.market import CandleSeries
from domain.values import minute_text


class DownloadProgress:
    """Tells how much of a span is read."""

    def __init__(self, title: str, since_ms: int | None, until_ms: int, tell: TellShare) -> None:
        """Tell the title at once.

        Args:
            title: What is read from where.
            since_ms: Begin of the span, epoch ms; None where it is the market's own.
            until_ms: End of the span.
            tell: Takes words and share.
        """
        self._title = title
        self._begin_ms = since_ms or 0
        self._until_ms = until_ms
        self._tell = tell
        self._candles = 0
        self._share = 0.0
        tell(title, 0.0)

    @property
    def candles(self) -> int:
        """Number of candles that were read."""
        return self._candles

    def read(self, series: CandleSeries) -> None:
        """Take a page, which has candles."""
        if not self._candles:
            # A market is often younger than what is asked for: the bar begins with its first candle.
            self._begin_ms = max(self._begin_ms, series.candles[0].timestamp)
        self._candles += len(series)
        done_ms = series.last_close_ms - self._begin_ms
        self._share = min(max(done_ms / max(self._until_ms - self._begin_ms, 1), 0.0), 1.0)
        self._tell(f"{self._title}: {self._candles:,} candles, {minute_text(series.last_close_ms)}", self._share)

    def pause(self, reason: str) -> None:
        """Tell why nothing is read for a while."""
        self._tell(f"{self._title}: {reason}", self._share)
