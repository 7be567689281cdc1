"""Training rows that learn without the leader: a model has to answer where the leader's candles are not known too."""

from __future__ import annotations

import numpy as np

from domain.arrays import BoolArray, FloatArray, IntArray
from domain.hours.clocks import WEEK_MS
from domain.market import CandleSeries
from features.columns.feature_sets import FeatureSet
from features.feature_engineering import FeatureEngineer

# Of the weeks of each market. Chosen on 2017 to 2022, see docs/decisions/0022.
LEADERLESS_SHARE = 0.3
_SEED = 1


def leaderless_columns(feature_set: FeatureSet, series: CandleSeries, kept: IntArray, rows: FloatArray) -> FloatArray:
    """Return the columns of the leader as where that is not known, shape (n, k); k is 0 for a set without any.

    Args:
        feature_set: Has the columns.
        series: Candles of the market.
        kept: The n candles whose rows were kept.
        rows: These rows, shape (n, columns).
    """
    if not len(feature_set.leader_places):
        return np.empty((len(kept), 0))
    values = FeatureEngineer(feature_set.of_leader).matrix(series)[kept]
    # A row that was filled by the one before has no value of its own.
    return np.where(np.isfinite(values), values, rows[:, feature_set.leader_places])


def with_leaderless_weeks(
    rows: FloatArray,
    places: IntArray,
    leaderless: FloatArray,
    times_ms: IntArray,
    markets: IntArray,
    training: BoolArray,
) -> FloatArray:
    """Return feature rows in which a share of the training weeks of each market does not know the leader.

    Args:
        rows: Shape (n, columns); never changed.
        places: Of the columns of the leader, k of them.
        leaderless: Their values where the leader is not known, shape (n, k).
        times_ms: Open time of each row's candle, epoch ms.
        markets: Number of each row's market.
        training: Which rows are training rows.
    """
    if not len(places):
        return rows
    _, week = np.unique(times_ms // WEEK_MS * (int(markets.max(initial=0)) + 1) + markets, return_inverse=True)
    drawn = np.random.default_rng(_SEED).random(int(week.max(initial=-1)) + 1) < LEADERLESS_SHARE
    chosen = np.flatnonzero(drawn[week] & training)
    changed = rows.copy()
    changed[np.ix_(chosen, places)] = leaderless[chosen]
    return changed
