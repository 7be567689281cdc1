"""The newest feature rows of the markets requested last, computed once per closed candle."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence

from cachetools import LRUCache

from domain.continuity import since_break
from domain.market import CandleSeries
from models.serving.forecaster import FeatureRows, Forecaster
from models.serving.forecasts import least_candles, newest_rows
from services.forecasts.model_candles import Market, best_candles

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
        compute: Callable[[Forecaster, Sequence[Market]], list[FeatureRows]] = newest_rows,
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
        key = _key(forecaster, recent, leader)
        with self._lock:
            if (found := self._kept.get(key)) is not None:
                return found
        return self._computed(forecaster, {key: (recent, leader)})[0]

    def read_ahead(self, forecaster: Forecaster, markets: Sequence[Market]) -> None:
        """Compute the rows of several markets in one call, and keep them for `of`; those with too few candles wait."""
        recent = [(series.tail(best_candles(forecaster)), leader) for series, leader in markets]
        unknown = {_key(forecaster, *market): market for market in recent if _reach(market[0], forecaster)}
        with self._lock:
            unknown = {key: market for key, market in unknown.items() if key not in self._kept}
        if unknown:
            self._computed(forecaster, unknown)

    def _computed(self, forecaster: Forecaster, markets: Mapping[Hashable, Market]) -> list[FeatureRows]:
        found = self._compute(forecaster, list(markets.values()))
        for rows in found:
            for values in rows.values():
                values.flags.writeable = False
        with self._lock:
            self._kept.update(zip(markets, found, strict=True))
        return found


def _key(forecaster: Forecaster, series: CandleSeries, leader: CandleSeries | None) -> Hashable:
    return tuple(forecaster.needs.items()), series.digest, leader and leader.digest


def _reach(series: CandleSeries, forecaster: Forecaster) -> bool:
    """Return whether the candles since the newest break are enough."""
    return len(since_break(series)) >= least_candles(forecaster)
