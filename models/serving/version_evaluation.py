"""A version scored on candles that it was not trained on, those newer than its training apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from config.model_settings import ModelSettings
from domain.arrays import BoolArray, IntArray
from domain.forecasting import PastForecasts
from domain.market import CandleSeries
from domain.trading.forecast_plans import PlanRecord
from features.datasets.candle_checks import unbroken_runs
from features.datasets.splits import Split
from features.datasets.targets import forward_returns
from models.evaluation.baselines import majority, prior, reversal
from models.evaluation.bootstrap import Resampling
from models.evaluation.calibration import ReliabilityBin, reliability_table
from models.evaluation.metrics import Scores
from models.evaluation.out_of_sample import OutOfSample, out_of_sample
from models.evaluation.time_axis import TimeAxis
from models.registry.metadata import ModelMetadata
from models.registry.registry import Registry
from models.serving.loaded_models import load_version
from models.serving.unseen import AFTER_TRAINING, none_unseen, unseen_predictions

# From predictions out of sample to the results of plans on the predicted side.
PlanMeasurer = Callable[[Sequence[PastForecasts]], PlanRecord]
PartName = Literal["newer", "walk_forward"]
Figures = TypeVar("Figures")


@dataclass(frozen=True)
class JudgedPredictions:
    """Scores of predictions that a version makes of what it was not trained on.

    Attributes:
        predictions: One or more.
        times_ms: Open times of their candles, ascending.
    """

    predictions: OutOfSample
    times_ms: IntArray
    scores: Scores

    @property
    def reliability(self) -> tuple[ReliabilityBin, ...]:
        """Share of positive returns by predicted probability, of predictions whose return is not 0."""
        moved = self.predictions.returns != 0.0
        return reliability_table(self.predictions.probability[moved], self.predictions.returns[moved] > 0.0)


@dataclass(frozen=True)
class JudgedCandles(JudgedPredictions):
    """Scores of predictions of rises, one for each candle, beside those of the baselines on the same candles.

    Attributes:
        plans: Result of the plans on the predicted side.
    """

    baselines: Mapping[str, Scores]
    plans: PlanRecord


@dataclass(frozen=True)
class Evaluation:
    """The evaluation of a version.

    Attributes:
        whole: All candles that it was not trained on.
        parts: Of these, the candles newer than its training (`newer`) and those inside it, which models of the candles
            before them predicted (`walk_forward`); a part without candles is left out.
        leader: The market whose candles the version read beside these; None where there were none.
        led: Number of the newer candles at whose moment there was one of the leader.
    """

    model: ModelMetadata
    whole: JudgedCandles
    parts: Mapping[PartName, JudgedCandles]
    leader: str | None
    led: int


def evaluate_version(
    registry: Registry,
    version: str,
    symbol: str,
    series: CandleSeries,
    settings: ModelSettings,
    measure_plans: PlanMeasurer,
    leader: CandleSeries | None,
) -> Evaluation:
    """Return the evaluation of a version on candles of a symbol that it was not trained on.

    Args:
        registry: Has the version.
        version: Its name.
        symbol: Market of the candles.
        series: Closed candles in the version's timeframe, oldest first.
        settings: How intervals are drawn.
        measure_plans: Measures its plans.
        leader: Closed candles of what leads the market, where the version reads them and they are known.

    Raises:
        InsufficientData: there is no such candle with a known return.
        InvalidRequest: it was imported, so its training data are not known.
        ModelNotFound, ModelUnusable: it cannot be loaded.
    """
    stored = registry.open(version)
    judging = _Judging(series, symbol, stored.metadata.horizon_candles, settings, measure_plans)
    name = stored.metadata.leader(symbol) if leader is not None else None
    others = {name: leader} if leader is not None and name else {}
    predictions = unseen_predictions(
        stored, load_version(registry, version), {symbol: series}, judging.axis, judging.returns, others
    )
    if not len(predictions.rows):
        raise none_unseen(stored.metadata, symbol, series)
    whole, parts = judged_parts(predictions, judging.judged)
    at = parts["newer"].times_ms if others and "newer" in parts else np.empty(0, np.int64)
    led = sum(int(np.isin(at, candles.times_ms).sum()) for candles in others.values())
    return Evaluation(stored.metadata, whole, parts, name if led else None, led)


def judged_parts(
    predictions: OutOfSample, judge: Callable[[OutOfSample], Figures]
) -> tuple[Figures, dict[PartName, Figures]]:
    """Return what `judge` returns for one or more predictions, and for those after the training and inside it apart.

    A part without predictions is left out.
    """
    newer = predictions.fold == AFTER_TRAINING
    masks: dict[PartName, BoolArray] = {"newer": newer, "walk_forward": ~newer}
    whole = judge(predictions)
    parts = {name: whole if mask.all() else judge(predictions.part(mask)) for name, mask in masks.items() if mask.any()}
    return whole, parts


class _Judging:
    """Scores predictions of one market beside the baselines."""

    def __init__(
        self,
        series: CandleSeries,
        symbol: str,
        horizon: int,
        settings: ModelSettings,
        measure_plans: PlanMeasurer,
    ) -> None:
        self._markets = {symbol: series}
        self._times = series.times_ms
        self._horizon = horizon
        self._measure_plans = measure_plans
        self._resampling = Resampling.of(settings.evaluation, horizon, settings.training.seed)
        self._runs = unbroken_runs(series)
        self._by_candle = forward_returns(series.closes, horizon, self._runs)
        self.axis = TimeAxis.of(self._markets)
        self._slots = self.axis.slots(self._times, symbol)
        self.returns = np.full(int(self._slots[-1]) + 1, np.nan)
        self.returns[self._slots] = self._by_candle

    def judged(self, predictions: OutOfSample) -> JudgedCandles:
        """Return the scores of one or more predictions."""
        positions = np.searchsorted(self._slots, predictions.rows)
        # The baselines use what was known at the first of these candles.
        known = max(0, int(positions[0]) - self._horizon + 1)
        fold = Split(range(known), range(known, known), range(int(positions[0]), len(self._times)))
        simple = {"prior": prior, "majority": majority, "reversal": reversal(self._runs, self._horizon)}
        baselines = {
            name: out_of_sample([predict(fold, positions, self._by_candle)], self._by_candle, "none").scores()
            for name, predict in simple.items()
        }
        plans = self._measure_plans(self.axis.by_market(predictions, self._markets))
        scores = predictions.scores(self._resampling)
        return JudgedCandles(predictions, self._times[positions], scores, baselines, plans)
