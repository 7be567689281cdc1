"""From candles to training data: the steps in their order, for one market or several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import numpy as np

from config.settings import FeatureSettings, TargetKind
from domain.arrays import BoolArray, FloatArray, IntArray
from domain.errors import InsufficientData
from domain.market import CandleSeries
from features.columns.feature_sets import FeatureSet
from features.datasets.candle_checks import NO_RUN, axis_times, fill_gaps, reach, runs_of_rows, unbroken_runs
from features.datasets.cleaning import CleaningReport, clean
from features.datasets.importance import selected_columns
from features.datasets.leaderless import leaderless_columns, with_leaderless_weeks
from features.datasets.scaling import Scaler, fit_scaler
from features.datasets.targets import (
    binary_target,
    forward_returns,
    hold_thresholds,
    multi_horizon_target,
    over_break,
    soft_target,
    three_class_target,
)
from features.datasets.windows import Windows
from features.feature_engineering import FeatureEngineer


@dataclass(frozen=True)
class TrainingData:
    """Scaled windows of each part, in single precision, and the scaler that serving needs."""

    train: Windows
    validation: Windows
    test: Windows
    scaler: Scaler


@dataclass(frozen=True)
class TrainingSet:
    """The cleaned feature rows of one market or several, and the target of each row.

    Attributes:
        feature_set: Meaning of the columns.
        horizon_candles: Candles after which a forecast is scored.
        threshold: Forward return, as a fraction, at which the soft target ends.
        horizons: Horizons in candles of the target `multi_horizon`.
        rows: Shape (n, columns), finite, unscaled.
        times_ms: Open time of each row's candle, epoch ms.
        slots: Place of each row on the time axis that all feature sets share, unique, ascending within a market: its
            place among the candles of all markets, missing ones counted, times the number of markets, plus the
            number of the row's market. Parts are ranges of slots. A night takes no slots.
        markets: Number of markets, which is the number of slots per candle.
        horizon_slots: Greatest number of slots from a row to the candle by which it is scored.
        longest_horizon_slots: The same for the longest of `horizons`.
        runs: Unbroken run of each row, see `candle_checks.unbroken_runs`.
        returns: Forward return of each row over `horizon_candles`, NaN where unknown.
        over_break: Whether that return spans a night, a weekend or a holiday of the market.
        classes: The target `three_class` of each row, NaN where unknown.
        futures: The target `multi_horizon` of each row.
        cleaning: One report per market.
        leaderless: Columns of the leader where that is not known, shape (n, k); some training weeks learn from them.
        facts: Names of further columns that are not of the set, such as those of plans: the last of each row.
    """

    feature_set: FeatureSet
    horizon_candles: int
    threshold: float
    horizons: tuple[int, ...]
    rows: FloatArray
    times_ms: IntArray
    slots: IntArray
    markets: int
    horizon_slots: int
    longest_horizon_slots: int
    runs: IntArray
    returns: FloatArray
    over_break: BoolArray
    classes: FloatArray
    futures: FloatArray
    cleaning: tuple[CleaningReport, ...]
    leaderless: FloatArray
    facts: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of a row."""
        return (*(column.name for column in self.feature_set.columns), *self.facts)

    @property
    def over_break_share(self) -> float:
        """Share of the known returns that span a break of the market, 0..1."""
        known = np.isfinite(self.returns)
        return float(self.over_break[known].mean()) if known.any() else 0.0

    def by_slot(self, values: FloatArray) -> FloatArray:
        """Return values of the rows, shape (n,), on the time axis: NaN at slots without a row."""
        spread = np.full(int(self.slots.max()) + 1, np.nan)
        spread[self.slots] = values
        return spread

    def targets(self, kind: TargetKind) -> FloatArray:
        """Return the target of each row, shape (n,) or, of `multi_horizon`, (n, 12)."""
        known = {"multi_horizon": self.futures, "three_class": self.classes}.get(kind)
        if known is not None:
            return known
        return binary_target(self.returns) if kind == "binary" else soft_target(self.returns, self.threshold)

    def target_horizon(self, kind: TargetKind) -> int:
        """Return the slots after which that target is known; the same number is purged at each border."""
        return self.longest_horizon_slots if kind == "multi_horizon" else self.horizon_slots

    def training_rows(self, train: range, columns: tuple[str, ...]) -> FloatArray:
        """Return the rows in a range of slots, unscaled, shape (n, columns), market by market."""
        training = (self.slots >= train.start) & (self.slots < train.stop)
        return self.rows[training][:, [self.names.index(name) for name in columns]]

    def part(
        self, train: range, validation: range, test: range, kind: TargetKind, length: int, settings: FeatureSettings
    ) -> TrainingData:
        """Return the windows of each part; scaler and selected features come from training rows only.

        Every window of a part ends in it; its earlier rows may lie before the part. Test windows need
        a known return, not a known target: they are scored by the return.

        Args:
            train, validation, test: Slots, purged of each other's targets; the last may be empty.
            kind: The target to learn.
            length: Rows of a window.
            settings: The kind of scaler, and the number of features to select.

        Raises:
            InsufficientData: training or validation has no window.
        """
        names, places = self.names, self.feature_set.leader_places
        training, markets = (self.slots >= train.start) & (self.slots < train.stop), self.slots % self.markets
        columns = selected_columns(self.rows[training], self.returns[training], names, settings.selected_features)
        rows = with_leaderless_weeks(self.rows, places, self.leaderless, self.times_ms, markets, training)
        rows = rows if columns == names else rows[:, [names.index(name) for name in columns]]
        scaler = fit_scaler(settings.scaler, rows[training], columns, self.feature_set.id)
        # Networks compute in single precision, which takes half the memory.
        scaled = scaler.apply(rows, columns).astype(np.float32)
        learned = Windows.over(scaled, self.targets(kind), length, self.runs)
        scored = Windows.over(scaled, self.returns, length, self.runs)
        parts = (
            learned.ending_in(train, self.slots),
            learned.ending_in(validation, self.slots),
            scored.ending_in(test, self.slots),
        )
        if not len(parts[0]) or not len(parts[1]):
            raise InsufficientData(
                f"a part has no window of {length} unbroken rows with a known target: training {len(parts[0])}, "
                f"validation {len(parts[1])}; {'; '.join(report.summary() for report in self.cleaning)}"
            )
        return TrainingData(*parts, scaler)


def training_set(
    markets: Sequence[CandleSeries],
    feature_set: FeatureSet,
    settings: FeatureSettings,
    horizons: tuple[int, ...],
    threshold: float,
    leaders: Sequence[CandleSeries | None] = (),
) -> TrainingSet:
    """Return the rows of one or several markets of the same timeframe.

    Targets are made from all candles, before cleaning drops rows, so that a horizon counts candles
    and not remaining rows. Neither targets nor windows cross a gap.

    Args:
        markets: Closed candles of each market, one or more, none empty.
        feature_set: Columns to compute.
        settings: Policies and horizon.
        horizons: Horizons in candles of the target `multi_horizon`.
        threshold: Forward return, as a fraction, at which the soft target ends.
        leaders: Candles of what leads each market, None where nothing does; without any, nothing leads any of them.

    Raises:
        InsufficientData: cleaning loses more rows than the settings allow.
    """
    axis = axis_times(markets)
    led = zip_longest(markets, leaders)
    sets = [_one_market(*market, axis, feature_set, settings, horizons, threshold) for market in led]
    if len(sets) == 1:
        return sets[0]
    first_runs = np.cumsum([0] + [int(part.runs.max(initial=NO_RUN)) + 1 for part in sets[:-1]])
    runs = [
        np.where(part.runs == NO_RUN, NO_RUN, part.runs + first) for part, first in zip(sets, first_runs, strict=True)
    ]
    by_row = ("rows", "times_ms", "returns", "over_break", "classes", "futures", "leaderless")
    joined: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in sets]) for name in by_row}
    return replace(
        sets[0],
        slots=np.concatenate([part.slots * len(sets) + number for number, part in enumerate(sets)]),
        markets=len(sets),
        horizon_slots=max(part.horizon_slots for part in sets) * len(sets),
        longest_horizon_slots=max(part.longest_horizon_slots for part in sets) * len(sets),
        runs=np.concatenate(runs),
        cleaning=tuple(report for part in sets for report in part.cleaning),
        **joined,
    )


def _one_market(
    series: CandleSeries,
    leader: CandleSeries | None,
    axis: IntArray,
    feature_set: FeatureSet,
    settings: FeatureSettings,
    horizons: tuple[int, ...],
    threshold: float,
) -> TrainingSet:
    candles = fill_gaps(series, settings.gap_policy, settings.max_fill_candles)
    times = candles.series.times_ms
    runs = unbroken_runs(candles.series, candles.real)
    _, highs, lows, closes, _ = candles.series.values.T
    horizon = settings.horizon_candles
    returns = forward_returns(closes, horizon, runs)
    thresholds = hold_thresholds(closes, settings.hold_deviations)
    classes = three_class_target(returns, thresholds * np.sqrt(horizon))
    futures = multi_horizon_target(closes, highs, lows, horizons, thresholds, runs)
    table = FeatureEngineer(feature_set).transform(candles.series, leader)
    cleaned = clean(table, settings.nan_policy, settings.max_forward_fill_rows, settings.max_lost_share)
    rows, kept, slots = cleaned.table.to_numpy(np.float64), cleaned.rows, np.searchsorted(axis, times)
    return TrainingSet(
        feature_set=feature_set,
        horizon_candles=horizon,
        threshold=threshold,
        horizons=horizons,
        rows=rows,
        times_ms=times[kept],
        slots=slots[kept],
        markets=1,
        horizon_slots=reach(slots, horizon),
        longest_horizon_slots=reach(slots, max(horizons)),
        runs=runs_of_rows(runs, kept),
        returns=returns[kept],
        over_break=over_break(times, horizon, candles.series.timeframe.ms)[kept],
        classes=classes[kept],
        futures=futures[kept],
        cleaning=(cleaned.report,),
        leaderless=leaderless_columns(feature_set, candles.series, kept, rows),
    )
