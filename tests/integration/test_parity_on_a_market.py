"""Every architecture at its configured size: its ONNX form answers as it does on 1,000 windows of a market."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from config.model_settings import BoostingSettings, ModelSettings
from config.settings import FeatureSettings
from domain.market import Timeframe
from features.columns.feature_sets import FEATURE_SETS
from features.datasets.training_data import TrainingData, TrainingSet, training_set
from models.architectures.catalogue import ARCHITECTURES, Architecture
from models.architectures.summary import inputs_of
from models.export.parity import LARGEST_DIFFERENCE, check_parity
from models.training.fitting import fit
from tests.fixtures.exchange_candles import exchange_candles
from tests.fixtures.settings import configured

CANDLES = 3_500
WINDOWS = 1_000


@cache
def market_rows(feature_set: str, horizons: tuple[int, ...]) -> TrainingSet:
    """Return the features of a market, which most architectures have in common."""
    timeframe = Timeframe.M15 if feature_set == "wide" else Timeframe.H1
    series = exchange_candles(5, timeframe, CANDLES, holes=3)
    return training_set([series], FEATURE_SETS[feature_set], configured(FeatureSettings), horizons, 0.0)


def market_windows(architecture: Architecture, models: ModelSettings) -> TrainingData:
    """Return the newest windows as test, and a few before them to train and to validate on."""
    settings, horizons = configured(FeatureSettings), models.patchtst.horizons_candles
    rows = market_rows(architecture.feature_set, tuple(horizons))
    end = int(rows.slots[-1]) + 1
    # Parity needs a model that has learned something, not all it can; gaps may cost a few hundred windows.
    test = range(end - 3 * WINDOWS // 2, end)
    validation = range(test.start - 100, test.start)
    train = range(validation.start - 320 - max(horizons), validation.start - max(horizons))
    length = architecture.sequence_length(models, settings)
    return rows.part(train, validation, test, architecture.target, length, settings)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=lambda architecture: architecture.kind)
def test_onnx_answers_as_the_model_on_windows_of_a_market(architecture: Architecture) -> None:
    one_epoch = {name: {"learning": {"epochs": 1}} for name in ("recurrent", "transformer", "patchtst")}
    settings = configured(ModelSettings, **one_epoch, lightgbm={"min_samples_leaf": 20}, logistic_penalty=0.02)
    data = market_windows(architecture, settings)
    if isinstance(architecture.settings(settings), BoostingSettings):
        # Of rows that it learns, no round is too many: all trees that there may be.
        data = replace(data, validation=data.train)
    model = fit(architecture, data, settings, lambda _: None)
    windows = data.test.batch(np.arange(len(data.test))[-WINDOWS:])[0]
    inputs = inputs_of(architecture.inputs, windows)
    assert len(inputs) == WINDOWS
    answers = model.raw(inputs)
    assert len(np.unique(answers, axis=0)) > 50
    assert check_parity(lambda _: answers, model.onnx(), inputs) < LARGEST_DIFFERENCE
