"""The next row of features from one new candle, without a look at the past."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from domain.errors import InvalidMarketData
from domain.market import CandleLike, CandleSeries
from features.feature_sets import FeatureSet
from features.incremental.circuit import Circuit
from features.incremental.columns import find_machine


class IncrementalFeatures:
    """Computes the rows of one feature set candle by candle, equal to those of `FeatureEngineer`.

    One of these belongs to one symbol and timeframe; it is not safe for several threads at once.
    """

    def __init__(self, feature_set: FeatureSet) -> None:
        """Build the machines.

        Args:
            feature_set: What to compute: columns of the base timeframe that have a machine.

        Raises:
            ValueError: there is no machine for some columns, which are named.
        """
        machines = {column.name: find_machine(column) for column in feature_set.columns}
        if missing := [name for name, build in machines.items() if build is None]:
            raise ValueError(
                f"the incremental form has no machine for {len(missing)} of the {len(machines)} columns "
                f"of {feature_set.name}: {', '.join(missing)}"
            )
        self.feature_set = feature_set
        self._circuit = Circuit()
        self._places = np.array([build(self._circuit) for build in machines.values() if build is not None])
        self._warm_ups = np.array([column.warm_up for column in feature_set.columns])
        self._neutrals = np.array([column.neutral for column in feature_set.columns], dtype=np.float64)
        self._count = 0
        self._newest_ms = -math.inf

    def warm_up_with(self, series: CandleSeries) -> None:
        """Take the history that comes before the first candle of `update`.

        From `feature_set.history` candles on, the rows are those of any longer history within 1e-6;
        the whole history gives the very rows of `transform`.

        Args:
            series: Closed candles, oldest first, gaps allowed.

        Raises:
            InvalidMarketData: a candle does not open after the one before it.
        """
        for candle in series.candles:
            self._advance(candle)

    def update(self, candle: CandleLike) -> NDArray[np.float64]:
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
        values = np.array(self._circuit.slots)[self._places]
        row = np.where(np.isfinite(values), values, self._neutrals)
        row[self._warm_ups >= self._count] = np.nan
        return row

    def _advance(self, candle: CandleLike) -> None:
        # Taken twice, a candle would spoil every smoothed average for hundreds of rows, unseen.
        if candle.timestamp <= self._newest_ms:
            raise InvalidMarketData(
                f"the next candle must open after {self._newest_ms}, received one that opens at {candle.timestamp}"
            )
        self._circuit.advance(candle)
        self._newest_ms = candle.timestamp
        self._count += 1
