"""The newest feature rows of the markets requested last, computed once per closed candle."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable

from cachetools import LRUCache

from domain.market import CandleSeries
from models.serving.forecaster import FeatureRows, Forecaster
from models.serving.forecasts import newest_rows
from services.forecasts.model_candles import best_candles

# 36 KB each for a network on the standard set, 184 KB for PatchTST: at most twelve megabytes.
MAX_MARKETS = 64


class NewestRows:
    """Computes the rows that a model reads, and keeps them for the next request with the same closed candles.

    Rows depend on candles alone and are kept by their content: equal candles of any caller share rows,
    and a corrected candle gets new ones. Safe for several threads.
    """

    def __init__(
        self,
        max_markets: int = MAX_MARKETS,
        compute: Callable[[Forecaster, CandleSeries, CandleSeries | None], FeatureRows] = newest_rows,
    ) -> None:
        """Keep the rows of at most `max_markets` markets, made by `compute`."""
        self._compute = compute
        self._kept: LRUCache[Hashable, FeatureRows] = LRUCache(max_markets)
        self._lock = threading.Lock()

    def of(self, forecaster: Forecaster, series: CandleSeries, leader: CandleSeries | None = None) -> FeatureRows:
        """Return the newest rows of every feature set that the model reads, each as a read-only batch of one.

        Args:
            forecaster: The model that reads them.
            series: Closed candles of its timeframe, oldest first.
            leader: Those of what leads the market, where the model reads them and they are known.

        Raises:
            InsufficientData: fewer candles than the window and the warm-up of its features take.
        """
        recent = series.tail(best_candles(forecaster))
        key = (tuple(forecaster.needs.items()), recent.digest, leader and leader.digest)
        with self._lock:
            if (found := self._kept.get(key)) is not None:
                return found
        rows = self._compute(forecaster, recent, leader)
        for values in rows.values():
            values.flags.writeable = False
        with self._lock:
            self._kept[key] = rows
        return rows
