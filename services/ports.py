"""What the use cases need from others: somebody who analyses, who has candles, who does long work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from domain.analysis import Analysis, DataSource
from domain.jobs import JobKind, JobProgress
from domain.market import CandleSeries, Timeframe
from services.analysts.context import MarketContext


class Analyst(Protocol):
    """Turns a market context into an analysis."""

    async def analyze(self, context: MarketContext) -> Analysis:
        """Return the analysis of the context; its `source` says who answered."""


class MarketDataSource(Protocol):
    """Gives the newest candles of a market."""

    @property
    def name(self) -> DataSource:
        """What an analysis of these candles carries as `source_data`."""

    async def candles(self, symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        """Return up to `limit` newest candles, checked, the last one possibly still forming.

        Raises:
            MarketDataUnavailable: the source has none, cannot be reached or answers nonsense.
        """


class JobRunner(Protocol):
    """Does long work somewhere beside the event loop."""

    async def run(
        self, kind: JobKind, parameters: Mapping[str, Any], report: Callable[[JobProgress], None]
    ) -> dict[str, Any]:
        """Return what the job's function returns for these parameters; canceling the call ends the work.

        Args:
            kind: Which function.
            parameters: JSON-like.
            report: Called on the event loop whenever the job says how far it is.

        Raises:
            JobFailed: the function failed, took too long, or its process died.
        """
