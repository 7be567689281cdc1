"""Training of plan models on plans whose outcome a fact tells, or nothing does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backtesting.evidence.curve import chance
from backtesting.evidence.plan_models import GivenPlans, record_predictions
from config.model_settings import ModelSettings
from config.settings import AnalysisSettings, FeatureSettings, IndicatorSettings
from domain.errors import InsufficientData, InvalidRequest
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.market import Timeframe
from models.training.plan_run import PlanRun
from models.training.training_run import TrainingRequest
from rules.plan_facts import PLAN_FACTS
from rules.plans import HORIZON_CANDLES
from services.evidence.parameters import MeasuringOptions, MeasuringParameters
from services.training.judged_moments import Moments
from services.training.plan_training import PlanTraining
from tests.fixtures.clocks import NOW
from tests.fixtures.planted_market import reversal_market
from tests.fixtures.settings import configured

CANDLES = 9_000
MARKETS = {"BTCUSDT": reversal_market(CANDLES, 0.5, 1)}
REQUEST = TrainingRequest(ModelType.LOGISTIC, ANY_SYMBOL, Timeframe.H1)
FEATURES = configured(FeatureSettings)


def plans(told: float, seed: int = 1) -> dict[str, GivenPlans]:
    """Return plans at every eighth candle; `told` is the weight of a fact in the log odds of their targets."""
    series, rng = MARKETS["BTCUSDT"], np.random.default_rng(seed)
    positions = np.arange(300, CANDLES - HORIZON_CANDLES, 8)
    facts = rng.uniform(-1, 1, (len(positions), len(PLAN_FACTS)))
    won = rng.random(len(positions)) < chance(told * facts[:, 1])
    outcomes = np.where(rng.random(len(positions)) < 0.04, 0.0, np.where(won, 1.0, -1.0))
    return {"BTCUSDT": GivenPlans(series.closes_ms[positions], facts, outcomes, chance(np.zeros(len(positions))))}


def training(tmp_path: Path) -> PlanTraining:
    evaluation = {"test_share": 0.5, "folds": 2, "bootstrap_samples": 400, "suspicious_auc": 1.0}
    models = configured(ModelSettings, save_path=str(tmp_path), evaluation=evaluation)
    measuring = MeasuringParameters(
        options=MeasuringOptions(),
        longer=(),
        analysis=configured(AnalysisSettings),
        indicators=configured(IndicatorSettings),
    )
    return PlanTraining(models, FEATURES, measuring, None, lambda: NOW)


def silent(_progress: object) -> None:
    """Take a progress."""


def test_a_model_that_forecasts_the_plans_serves_and_is_not_replaced_by_its_equal(tmp_path: Path) -> None:
    trainer = training(tmp_path)
    first = trainer.learn(REQUEST, MARKETS, plans(2.0), silent)
    assert first.verdict.serves == "candidate"
    assert "of the evidence on" in first.verdict.reasons[0]
    assert first.verdict.reasons[0].endswith("better.")
    model = first.model
    assert first.production == model.version
    assert model.version.startswith("plan_logistic_model_")
    record = model.judged_plans
    assert record is not None
    assert model.graph is not None
    assert model.graph.facts == PLAN_FACTS
    assert record.plans >= 300
    assert record.base_rate == pytest.approx(record.stated, abs=0.05)
    again = trainer.learn(REQUEST, MARKETS, plans(2.0), silent)
    assert (again.verdict.serves, again.production) == ("production", model.version)
    assert any("the model in production" in comparison.against for comparison in again.verdict.comparisons)


def test_plans_that_nothing_forecasts_put_nothing_into_production(tmp_path: Path) -> None:
    outcome = training(tmp_path).learn(REQUEST, MARKETS, plans(0.0), silent)
    assert (outcome.verdict.serves, outcome.production) == ("nothing", None)
    forced = training(tmp_path).learn(REQUEST, MARKETS, plans(0.0), silent, force="to see it")
    assert (forced.verdict.forced, forced.production) == (True, forced.model.version)


def test_no_model_learns_from_a_plan_that_is_open_when_it_is_judged(tmp_path: Path) -> None:
    trainer = training(tmp_path)
    judged = Moments(plans(0.0), MARKETS, trainer.models, FEATURES).of("standard")
    run = PlanRun(REQUEST, judged, MARKETS, trainer.models, FEATURES)
    taught = judged.rows.slots[judged.rows.returns != 0.0]
    for split in run.evaluation_set.folds.splits:
        for part, later in ((split.train, split.validation), (split.validation, split.test)):
            learned = taught[(taught >= part.start) & (taught < part.stop)]
            assert learned.max() + HORIZON_CANDLES < later.start


def test_too_few_plans_and_networks_are_refused(tmp_path: Path) -> None:
    trainer, (symbol, given) = training(tmp_path), next(iter(plans(0.0).items()))
    few = GivenPlans(given.times_ms[:50], given.facts[:50], np.ones(50), given.stated[:50])
    with pytest.raises(InsufficientData, match=r"gave 50 plans .* 400 are needed"):
        trainer.learn(REQUEST, MARKETS, {symbol: few}, silent)
    with pytest.raises(InvalidRequest, match="gru models do not learn from plans; lightgbm and logistic do"):
        trainer.train(TrainingRequest(ModelType.GRU, ANY_SYMBOL, Timeframe.H1), MARKETS, silent)


def test_plans_that_win_together_count_as_few() -> None:
    stated, weeks = np.full(4_000, 1 / 3), np.repeat(np.arange(100), 40)
    times_ms = weeks * 7 * 24 * 3_600_000
    together = (np.random.default_rng(1).random(100)[weeks] < 1 / 3).astype(np.float64)
    alone = (np.random.default_rng(1).random(4_000) < 1 / 3).astype(np.float64)
    few, many = (record_predictions(stated, won, times_ms, Timeframe.H1, ["BTCUSDT"]) for won in (together, alone))
    assert record_predictions(stated, alone, times_ms, Timeframe.H1, ["BTCUSDT", "BTCUSDT-LATER"]).kinds == many.kinds
    assert few.plans == pytest.approx(100, rel=0.2)
    assert many.plans > 2_500
    assert few.error > 4 * many.error
