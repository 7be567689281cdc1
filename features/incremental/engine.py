"""The next row of features from one new candle, without a look at the past."""

from __future__ import annotations

import math

import numpy as np

from domain.arrays import FloatArray
from domain.errors import InvalidMarketData
from domain.market import CandleLike, CandleSeries
from features.feature_sets import FeatureSet
from features.incremental.columns import find_machine
from features.incremental.timeframes import ColumnsOfTimeframe


class IncrementalFeatures:
    """Computes the rows of one feature set candle by candle, equal to those of `FeatureEngineer`.

    One of these belongs to one symbol and timeframe; it is not safe for several threads at once.
    """

    def __init__(self, feature_set: FeatureSet, history: CandleSeries) -> None:
        """Build the machines and let them take the candles that come before the first one of `update`.

        From `feature_set.history` candles without a gap on, the rows are those of any longer history
        within 1e-6; the whole history gives the very rows of `transform`.

        Args:
            feature_set: What to compute.
            history: Closed candles, oldest first, gaps allowed; none at all for a market that begins.

        Raises:
            ValueError: there is no machine for some columns, which are named.
            InvalidMarketData: a candle does not open after the one before it.
        """
        if missing := [column.name for column in feature_set.columns if find_machine(column) is None]:
            raise ValueError(
                f"the incremental form has no machine for {len(missing)} of the {len(feature_set.columns)} columns "
                f"of {feature_set.name}: {', '.join(missing)}"
            )
        self.feature_set = feature_set
        self._parts = [
            ColumnsOfTimeframe(feature_set.columns, factor, history.timeframe.ms)
            for factor in sorted({column.factor for column in feature_set.columns})
        ]
        self._row = np.full(len(feature_set.columns), np.nan)
        self._newest_ms = -math.inf
        for candle in history.candles:
            self._advance(candle)

    def update(self, candle: CandleLike) -> FloatArray:
        """Return the row of the next closed candle.

        Args:
            candle: Lawful and closed, after all candles before; a gap in time is allowed.

        Returns:
            Array of shape (columns,), in the order of the feature set: NaN while a column is warming
            up, finite from there on, neutral where the market gives no answer.

        Raises:
            InvalidMarketData: the candle does not open after the newest one; nothing has changed then.
        """
        self._advance(candle)
        for part in self._parts:
            part.write(self._row)
        return self._row.copy()

    def _advance(self, candle: CandleLike) -> None:
        # Taken twice, a candle would spoil every smoothed average for hundreds of rows, unseen.
        if candle.timestamp <= self._newest_ms:
            raise InvalidMarketData(
                f"the next candle must open after {self._newest_ms}, received one that opens at {candle.timestamp}"
            )
        for part in self._parts:
            part.take(candle)
        self._newest_ms = candle.timestamp
