"""State of a source: whether it works, and whether it rests."""

from __future__ import annotations

import math
from collections.abc import Callable

from loguru import logger

from domain.analysis import DataSource
from services.market_data.fetching import SourceFailed
from utils import metrics


class SourceHealth:
    """Remembers a source's last outcome and logs only the changes.

    Attributes:
        works: None before the first request.
    """

    def __init__(self, name: DataSource, monotonic: Callable[[], float]) -> None:
        """Start as unknown; `monotonic` gives seconds that never jump back."""
        self.works: bool | None = None
        self._name = name
        self._monotonic = monotonic
        self._rests_until = -math.inf
        self._reason = ""
        metrics.start_at_zero(metrics.MARKET_DATA_REQUESTS, [name], ["ok", "refused", "failed"])

    def resting(self) -> str | None:
        """Return the reason why the source must not be asked now, or None.

        An answer that was under way when the rest began does not end it: a source that
        asked to be left alone means it.
        """
        remaining = self._rests_until - self._monotonic()
        if remaining <= 0:
            return None
        return f"rests for {remaining:.0f} s more: it {self._reason}"

    def answered(self) -> None:
        """Record an answer of the source, also one without the market."""
        if self.works is False:
            logger.bind(source=self._name.value).info("market-data source recovered")
        self.works = True

    def failed(self, failure: SourceFailed) -> None:
        """Record a failure of the source; a longer rest that it asked for before stays."""
        if self.works is not False:
            logger.bind(source=self._name.value, reason=failure.message).warning("market-data source failed")
        self.works = False
        rests_until = self._monotonic() + failure.rest_seconds
        if failure.rest_seconds and rests_until > self._rests_until:
            self._rests_until, self._reason = rests_until, failure.message
