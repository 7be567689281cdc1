"""Which entries are never scored, and how many of them are kept in a day."""

from __future__ import annotations

from collections import Counter

from config.ledger_settings import LedgerSettings
from domain.analysis import DataSource
from domain.ledger.entries import Apart
from domain.market import Timeframe
from utils import metrics


def apart_of(source_data: DataSource, *, old: bool, believed: bool, trusted: bool) -> Apart | None:
    """Return why an entry is kept apart, the first reason that holds; None where it counts.

    Args:
        source_data: Where the candles came from.
        old: Whether they are too old for news.
        believed: Whether they contradict none that were posted before.
        trusted: Whether the caller is trusted: a stranger chooses its questions and may invent its candles.
    """
    if not trusted:
        return Apart.STRANGER
    if source_data is DataSource.SYNTHETIC:
        return Apart.SYNTHETIC
    if old:
        return Apart.STALE
    return None if believed else Apart.CONTRADICTED


class ApartBudget:
    """Bounds the entries that are kept apart, by their reason and UTC day, so that no caller can fill the disk.

    It is counted in the process: a restart begins at zero.
    """

    def __init__(self, settings: LedgerSettings) -> None:
        self._max_per_day = settings.max_apart_per_day
        self._day = 0
        self._taken: Counter[Apart] = Counter()

    def left(self, apart: Apart, now_ms: int) -> bool:
        """Return whether there is room for one more entry."""
        self._turn(now_ms)
        return self._taken[apart] < self._max_per_day

    def take(self, apart: Apart | None, count: int, now_ms: int) -> bool:
        """Return whether there is room for some more entries, and take it; those that count always have room."""
        if apart is None:
            return True
        self._turn(now_ms)
        if self._taken[apart] + count > self._max_per_day:
            metrics.LEDGER_LEFT_OUT.labels(apart).inc(count)
            return False
        self._taken[apart] += count
        return True

    def _turn(self, now_ms: int) -> None:
        day = now_ms // Timeframe.D1.ms
        if day != self._day:
            self._day = day
            self._taken.clear()
