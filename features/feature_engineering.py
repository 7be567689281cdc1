"""Candles in, table of features out: one code path for training, backtests and serving."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.errors import InsufficientData
from domain.market import CandleSeries
from features.bars import Bars
from features.catalogue import Engine
from features.feature_sets import FeatureSet
from features.incremental.engine import IncrementalFeatures


class FeatureEngineer:
    """Computes the columns of one feature set."""

    def __init__(self, feature_set: FeatureSet, engine: Engine = "fast") -> None:
        """Take the columns.

        Args:
            feature_set: What to compute.
            engine: What computes the indicators; both engines give the same numbers.
        """
        self.feature_set = feature_set
        self._engine = engine
        self._wanted = feature_set.indicators

    @property
    def feature_columns(self) -> list[str]:
        """Names of the columns, in order."""
        return [column.name for column in self.feature_set.columns]

    def transform(self, series: CandleSeries) -> pd.DataFrame:
        """Return one row per candle, known at the close of that candle and never changed by a later one.

        A column is NaN for its warm-up and finite from there on: where the market gives no
        answer (no range, no volume), it takes the neutral value of the column. Columns of
        higher timeframes wait longer when candles are missing.

        Args:
            series: n lawful candles, oldest first, gaps allowed; only closed ones.

        Returns:
            Frame of n rows of float64, its index the open times in epoch ms.
        """
        bars = Bars.of(series, self._wanted, self._engine)
        # Ratios to nothing are expected; `Column` puts a neutral value in their place.
        with np.errstate(all="ignore"):
            values = np.column_stack([column.over(bars) for column in self.feature_set.columns])
        return pd.DataFrame(
            values, columns=self.feature_columns, index=pd.Index(bars.times, name="timestamp"), copy=False
        )

    def last_window(self, series: CandleSeries, length: int) -> NDArray[np.float64]:
        """Return the newest rows, as a model reads them.

        Without gaps, only as many candles are looked at as the rows need, so the time does not
        grow with the history. With fewer than `feature_set.history + length - 1` candles, smoothed
        columns still differ a little from what a longer history gives.

        Args:
            series: Closed candles, oldest first.
            length: Rows of the window, >= 1.

        Returns:
            Array of shape (length, columns), equal to the end of `transform` within 1e-6.

        Raises:
            InsufficientData: a row of the window would still be warming up.
        """
        needed = self.feature_set.warm_up + length
        if len(series) < needed:
            raise InsufficientData(
                f"a window of {length} rows of the {self.feature_set.name} features needs {needed} "
                f"{series.timeframe} candles, received {len(series)}"
            )
        recent = series.tail(self.feature_set.history + length - 1)
        # A missing candle costs the higher timeframes a whole candle of theirs: then look at all there is.
        return self.transform(series if recent.missing else recent).to_numpy()[-length:]

    def incremental(self, history: CandleSeries) -> IncrementalFeatures:
        """Return what gives the row of the next candle after `history`, and of each one after that, in one step.

        Args:
            history: Closed candles, oldest first; with fewer than `feature_set.history`, smoothed columns
                still differ a little from what a longer history gives.
        """
        return IncrementalFeatures(self.feature_set, history)
