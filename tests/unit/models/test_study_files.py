"""Which change of the settings makes a stored walk useless, and for which learner."""

from __future__ import annotations

from typing import Any

import pytest

from config.model_settings import ModelSettings
from config.settings import FeatureSettings
from config.watch_settings import EvaluationSettings
from domain.forecasting import ModelType
from domain.market import Timeframe
from models.studies.walks import fingerprint
from models.training.training_run import TrainingRequest, TrainingRun
from tests.fixtures.learning import toy_settings
from tests.fixtures.planted_market import reversal_market
from tests.fixtures.settings import configured

KINDS = (ModelType.GRU, ModelType.TRANSFORMER, ModelType.XGBOOST, ModelType.LOGISTIC)
MARKETS = {"BTCUSDT": reversal_market(600, 0.7, 3)}
FEATURES = configured(FeatureSettings, sequence_length=8)
BASE = toy_settings().model_copy(
    update={"ensemble_members": KINDS, "evaluation": configured(EvaluationSettings, folds=1)}
)


def marks(models: ModelSettings) -> dict[ModelType, str]:
    run = TrainingRun(TrainingRequest(ModelType.ENSEMBLE, "BTCUSDT", Timeframe.H1), MARKETS, models, FEATURES)
    return {kind: fingerprint(run.learners[kind], run.evaluation_set, MARKETS) for kind in KINDS}


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"recurrent": BASE.recurrent.model_copy(update={"dropout": 0.3})}, {ModelType.GRU}),
        ({"transformer": BASE.transformer.model_copy(update={"pooling": "last"})}, {ModelType.TRANSFORMER}),
        ({"xgboost": BASE.xgboost.model_copy(update={"max_depth": 2})}, {ModelType.XGBOOST}),
        ({"logistic_penalty": 2.0}, {ModelType.LOGISTIC}),
        ({"target_threshold": 0.0}, {ModelType.GRU, ModelType.TRANSFORMER}),
        ({"training": BASE.training.model_copy(update={"seed": 3})}, set(KINDS)),
        ({"training": BASE.training.model_copy(update={"threads": 2})}, set()),
        ({"training": BASE.training.model_copy(update={"batch_size": 8})}, {ModelType.GRU, ModelType.TRANSFORMER}),
        ({"save_path": "elsewhere", "keep_versions": 9, "recipe": "tuned"}, set()),
    ],
)
def test_a_walk_is_refused_only_for_learners_whose_settings_changed(
    changes: dict[str, Any], refused: set[ModelType]
) -> None:
    before, after = marks(BASE), marks(BASE.model_copy(update=changes))
    assert {kind for kind in KINDS if before[kind] != after[kind]} == refused
