"""Models learn nearly all of a planted signal, and the gate promotes nothing on random returns."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.model_settings import ModelSettings
from config.settings import FeatureSettings
from domain.forecasting import ModelType
from domain.jobs import JobProgress
from domain.market import CandleSeries, Timeframe
from models.serving.loaded_models import load_version
from models.serving.series_predictions import predict_series
from models.training.training_run import TrainingRequest, TrainingRun
from services.training.managers import open_manager
from tests.conftest import MakeSettings
from tests.fixtures.planted_market import reversal_market

TURNS = 0.85
FOLLOWS = 0.7
# Of the edge over chance that the best possible forecast has.
LEARNED_SHARE = 0.9

ROWS = 4
LEARNING = {"patience_epochs": 12, "rate_patience_epochs": 5}
# Candles, learning rate and epochs that each needs: 240 columns need more rows. test_planted_edge.py has the learners
# that find it by their default settings in a few seconds.
NEEDS: dict[ModelType, tuple[int, float, int]] = {
    ModelType.LSTM: (4_000, 0.005, 5),
    ModelType.PATCHTST: (6_000, 0.002, 5),
}


def settings_of(make_settings: MakeSettings, rate: float, epochs: int) -> tuple[ModelSettings, FeatureSettings]:
    """Return settings of short windows and small networks, which learn in seconds."""
    learning = {**LEARNING, "epochs": epochs}
    patches: dict[str, Any] = {"sequence_length": ROWS, "patch_length": 2, "patch_stride": 2, "width": 64, "blocks": 1}
    patches |= {"heads": 2, "feed_forward_width": 128, "horizons_candles": [1, 2, 3, 4], "learning": learning}
    recurrent = {"units": [32, 16], "dense_units": [16], "learning": learning}
    settings = make_settings(
        features={"sequence_length": ROWS},
        models={
            "recipe": "specified",
            "training": {"learning_rate": rate},
            "evaluation": {"folds": 1},
            "random_forest": {"trees": 30},
            "lightgbm": {"trees": 60, "learning_rate": 0.1},
            "recurrent": recurrent,
            "patchtst": patches,
        },
    )
    return settings.models, settings.features


def following(leader: CandleSeries) -> CandleSeries:
    """Return candles whose moves have the sign that the leader's had one candle before, mostly."""
    rng, moves = np.random.default_rng(11), np.sign(np.diff(leader.closes, prepend=leader.opens[0]))
    signs = np.concatenate(([1.0], moves[:-1])) * np.where(rng.random(len(moves)) < FOLLOWS, 1.0, -1.0)
    closes = 50.0 * np.exp(np.cumsum(signs * rng.uniform(0.003, 0.009, len(signs))))
    opens = np.concatenate(([50.0], closes[:-1]))
    values = np.column_stack(
        (opens, np.maximum(opens, closes), np.minimum(opens, closes), closes, np.full(len(signs), 9.0))
    )
    return CandleSeries.of_arrays(Timeframe.H1, leader.times_ms, values, leader.sessions)


@pytest.mark.slow
@pytest.mark.parametrize("kind", NEEDS)
def test_a_network_of_the_specification_finds_nearly_all_of_a_planted_signal(
    kind: ModelType, make_settings: MakeSettings
) -> None:
    candles, rate, epochs = NEEDS[kind]
    models, features = settings_of(make_settings, rate, epochs)
    markets = {"BTCUSDT": reversal_market(candles, TURNS, seed=7)}
    run = TrainingRun(TrainingRequest(kind, "BTCUSDT", Timeframe.H1), markets, models, features)
    learner, (split,) = run.learners[kind], run.evaluation_set.folds.splits
    fitted = learner.fit(split, lambda epoch: None)
    said = learner.predict(fitted).calibrated(run.evaluation_set.returns, "sigmoid").test
    up = run.evaluation_set.returns[said.rows] > 0.0
    accuracy = float(((said.probability > 0.5) == up).mean())
    # What always expecting the turn achieves on these very rows: the best that anyone could do.
    before = run.evaluation_set.returns[said.rows - 1]
    best = float(((before < 0.0) == up).mean())
    assert best == pytest.approx(TURNS, abs=0.03)
    assert accuracy - 0.5 >= LEARNED_SHARE * (best - 0.5)


def test_a_pooled_booster_learns_what_follows_the_leader_and_is_calibrated_without_it(
    make_settings: MakeSettings,
) -> None:
    """The next move of the follower has the sign of the leader's last one, and its own past tells nothing."""
    models, features = settings_of(make_settings, 0.001, 1)
    markets = {
        "BTCUSDT": reversal_market(4_000, 0.5, seed=7),
        "ETHUSDT": following(reversal_market(4_000, 0.5, seed=7)),
    }
    run = TrainingRun(TrainingRequest(ModelType.LIGHTGBM, "*", Timeframe.H1), markets, models, features)
    learner, (split,) = run.learners[ModelType.LIGHTGBM], run.evaluation_set.folds.splits
    fitted = learner.fit(split, lambda epoch: None)
    prediction = learner.predict(fitted)
    returns, said = run.evaluation_set.returns, prediction.test
    right = (said.probability > 0.5) == (returns[said.rows] > 0.0)
    followers = said.rows % 2 == 1
    assert right[followers].mean() > FOLLOWS - 0.05
    assert right[~followers].mean() == pytest.approx(0.5, abs=0.05)
    # The version that serves knows the validation rows; what calibrates it does not.
    known = fitted.probability_up(fitted.model, fitted.data.validation)
    assert known.shape == prediction.validation.probability.shape
    assert np.sort(known) != pytest.approx(np.sort(prediction.validation.probability), abs=1e-6)
    assert run.models.evaluation.calibration == "slope"


def test_a_model_of_selected_features_serves_as_it_was_trained(make_settings: MakeSettings, tmp_path: Path) -> None:
    models, features = settings_of(make_settings, 0.001, 1)
    features = features.model_copy(update={"selected_features": 5})
    # This market tells more of its future than a real one does.
    evaluation = models.evaluation.model_copy(update={"suspicious_accuracy": 1.0, "suspicious_auc": 1.0})
    models = models.model_copy(update={"save_path": str(tmp_path), "evaluation": evaluation})
    manager = open_manager(models, features, 14, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    series = reversal_market(3_000, TURNS, seed=5)
    request = TrainingRequest(ModelType.LOGISTIC, "BTCUSDT", Timeframe.H1)
    outcome = manager.train(request, {"BTCUSDT": series}, lambda progress: None)
    graph = outcome.model.graph
    assert graph is not None
    assert len(graph.selected) == 5
    assert outcome.production == outcome.model.version
    forecaster = load_version(manager.registry, outcome.model.version)
    said = predict_series(forecaster, series, series.candles[-300].timestamp)
    falls = np.diff(series.closes)[said.positions - 1] < 0.0
    # It expects the turn: a rise after a fall.
    assert ((said.probability > 0.5) == falls).mean() > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("kind", [ModelType.LOGISTIC, ModelType.LIGHTGBM, ModelType.RANDOM_FOREST])
def test_a_random_walk_promotes_no_model(kind: ModelType, make_settings: MakeSettings) -> None:
    models, features = settings_of(make_settings, 0.001, 1)
    covered = 0
    for seed in range(3):
        markets = {"BTCUSDT": reversal_market(2_000, 0.5, seed)}
        run = TrainingRun(TrainingRequest(kind, "BTCUSDT", Timeframe.H1), markets, models, features)
        stages: list[JobProgress] = []
        result = run.run(stages.append, None, None)
        assert result.verdict.serves == "nothing", result.verdict.reasons
        assert stages[-1].share == 1.0
        accuracy = result.asked.scores.intervals["accuracy"]
        covered += accuracy.low <= 0.5 <= accuracy.high
    # One interval in twenty does not cover the truth.
    assert covered >= 2
