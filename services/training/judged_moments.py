"""The moments at which the rules gave a plan, with the columns of their candles and the facts of their plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import ceil

import numpy as np

from backtesting.evidence.plan_models import GivenPlans
from config.model_settings import ModelSettings
from config.settings import FeatureSettings
from config.watch_settings import EvaluationSettings
from domain.arrays import IntArray
from domain.errors import InsufficientData
from domain.market import CandleSeries
from domain.naming.leaders import leader_among
from features.columns.feature_sets import FEATURE_SETS
from features.datasets.training_data import training_set
from models.evaluation.out_of_sample import OutOfSample
from models.evaluation.time_axis import TimeAxis
from models.registry.artifacts import StoredVersion
from models.registry.metadata import PREDICTIONS_FILE
from models.serving.forecaster import FACTS, Forecaster
from models.serving.unseen import AFTER_TRAINING
from models.training.plan_run import JudgedMoments
from rules.plan_facts import PLAN_FACTS
from rules.plans import HORIZON_CANDLES


class Moments:
    """The moments of some markets, with the columns of a feature set."""

    def __init__(
        self,
        given: Mapping[str, GivenPlans],
        markets: Mapping[str, CandleSeries],
        models: ModelSettings,
        features: FeatureSettings,
        least: int = 1,
    ) -> None:
        """Keep the plans and the candles of each market, the settings, and how many plans are needed at least.

        Markets without plans may lead the others.
        """
        self._least = least
        self._given, self._markets, self._models, self._features = given, markets, models, features
        self._known: dict[str, JudgedMoments] = {}

    def of(self, feature_set: str) -> JudgedMoments:
        """Return the moments with the columns of a set, of candles whose columns are known.

        Raises:
            InsufficientData: there are too few, with the numbers.
        """
        if feature_set not in self._known:
            self._known[feature_set] = self._made(feature_set)
        return self._known[feature_set]

    def _made(self, name: str) -> JudgedMoments:
        settings, axis = self._models, TimeAxis.of(self._markets)
        horizons, threshold = settings.patchtst.horizons_candles, settings.target_threshold
        whole = training_set(
            tuple(self._markets.values()),
            FEATURE_SETS[name],
            self._features,
            horizons,
            threshold,
            [leader_among(symbol, self._markets) for symbol in self._markets],
        )
        plans = list(self._given.items())
        slots = np.concatenate([_slots(axis, symbol, self._markets[symbol], given) for symbol, given in plans])
        facts, outcomes, stated = (
            np.concatenate([getattr(given, field) for _, given in plans]) for field in ("facts", "outcomes", "stated")
        )
        by_slot = np.argsort(whole.slots)
        places = by_slot[np.searchsorted(whole.slots, slots, sorter=by_slot).clip(max=len(by_slot) - 1)]
        there = whole.slots[places] == slots
        self._require(int(np.count_nonzero(outcomes[there])))
        places = places[there]
        candles = np.sort(whole.slots[places] // whole.markets)
        within = np.searchsorted(candles, candles + HORIZON_CANDLES, side="right") - np.arange(1, len(candles) + 1)
        rows = replace(
            whole,
            horizon_candles=HORIZON_CANDLES,
            rows=np.column_stack((whole.rows[places], facts[there])),
            horizon_slots=int(within.max()),
            returns=outcomes[there],
            facts=PLAN_FACTS,
            **{
                field: getattr(whole, field)[places]
                for field in ("times_ms", "slots", "runs", "over_break", "classes", "futures", "leaderless")
            },
        )
        return JudgedMoments(rows, stated[there], ceil(within.mean()))

    def _require(self, plans: int) -> None:
        if plans < self._least:
            needed = f"{self._least} are needed" if self._least > 1 else "one is needed"
            raise InsufficientData(
                f"the rules gave {plans} plans in these candles that reached target or stop, {needed}"
            )


_NOTHING_SAID = OutOfSample(np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0), np.empty(0, np.int64))


def needed_plans(evaluation: EvaluationSettings) -> int:
    """Return how many plans with a known outcome a training needs at least."""
    return ceil(evaluation.min_test_windows / evaluation.test_share)


def unseen_plans(stored: StoredVersion, forecaster: Forecaster, moments: Moments, axis: TimeAxis) -> OutOfSample:
    """Return the predictions of a plan model of moments that it has not learned from.

    Those of its training were made by models of the moments before them.

    Args:
        stored: The version.
        forecaster: The same, loaded.
        moments: Of some markets.
        axis: Of the same markets.

    Raises:
        InsufficientData: the rules gave too few plans.
        InvalidRequest: the version was imported, so its training data are not known.
        ModelCorrupt: its predictions cannot be read.
    """
    last_ms = stored.metadata.require_data().last_ms
    known = PREDICTIONS_FILE in stored.metadata.files
    earlier = axis.load(stored.read(PREDICTIONS_FILE)) if known else _NOTHING_SAID
    (columns,) = forecaster.needs
    rows = moments.of(columns).rows
    order = np.argsort(rows.slots)
    later = order[rows.times_ms[order] > last_ms]
    if not len(later):
        return earlier
    own = len(rows.names) - len(PLAN_FACTS)
    inputs = {columns: rows.rows[later, None, :own], FACTS: rows.rows[later, own:]}
    said = forecaster.forecast(inputs).probability_up
    newer = OutOfSample(rows.slots[later], said, said, rows.returns[later], np.full(len(later), AFTER_TRAINING))
    before = earlier.rows < newer.rows[0]
    parts = (
        np.concatenate((getattr(earlier, name)[before], getattr(newer, name)))
        for name in ("rows", "probability", "raw", "returns", "fold")
    )
    return OutOfSample(*parts)


def _slots(axis: TimeAxis, symbol: str, series: CandleSeries, given: GivenPlans) -> IntArray:
    opens = series.times_ms[np.searchsorted(series.closes_ms, given.times_ms)]
    return axis.slots(opens, symbol)
