"""By the default recipe networks pass the gate neither on chance nor with candles that tell the future."""

from __future__ import annotations

import numpy as np
import pytest

from domain.forecasting import ModelType
from domain.hours.sessions import AROUND_THE_CLOCK
from domain.market import CandleSeries, Timeframe
from models.evaluation.gate import GateVerdict
from models.evaluation.metrics import Scores
from models.training.training_run import TrainingRequest, TrainingRun
from models.training.walk_forward import judged
from tests.conftest import MakeSettings
from tests.fixtures.planted_market import reversal_market

pytestmark = pytest.mark.slow

# The LSTM and the Transformer read the windows of the GRU and are judged by the same forecasts of one candle.
NETWORKS = (ModelType.GRU, ModelType.PATCHTST)
# Short windows, and half of the epochs: learned in seconds.
ROWS, EPOCHS = 4, 4
SYMBOL = "BTCUSDT"
PATCHES = {"sequence_length": ROWS, "patch_length": 2, "patch_stride": 2, "horizons_candles": [1, 2, 3, 4]}


def verdict_on(kind: ModelType, series: CandleSeries, make_settings: MakeSettings) -> tuple[GateVerdict, Scores]:
    """Return what the gate says of a network with nothing in production, and its scores out of sample."""
    changes = {"patchtst": PATCHES, "evaluation": {"folds": 1}}
    settings = make_settings(features={"sequence_length": ROWS}, models=changes)
    models = settings.models.trained_with(epochs=EPOCHS)
    run = TrainingRun(TrainingRequest(kind, SYMBOL, Timeframe.H1), {SYMBOL: series}, models, settings.features)
    learner, (split,) = run.learners[kind], run.evaluation_set.folds.splits
    predictions = judged([learner.predict(learner.fit(split, lambda _: None))], run.evaluation_set, models)
    verdict = run.gate.judge(predictions, run.evaluation_set.baseline("prior"), None, None, None)
    return verdict, predictions.scores(run.gate.resampling)


def that_tells_the_future(count: int, seed: int) -> CandleSeries:
    """Return a random walk whose volume is higher before a rise: a column that is one candle ahead."""
    walk = reversal_market(count, 0.5, seed)
    values = walk.values.copy()
    rises = np.append(np.diff(walk.closes) > 0.0, False)
    values[:, 4] *= np.where(rises, 3.0, 1.0)
    return CandleSeries.of_arrays(Timeframe.H1, walk.times_ms, values, AROUND_THE_CLOCK)


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_random_walk_promotes_no_network(kind: ModelType, make_settings: MakeSettings) -> None:
    verdict, scores = verdict_on(kind, reversal_market(2_000, 0.5, seed=3), make_settings)
    assert verdict.serves == "nothing", verdict.reasons
    accuracy = scores.intervals["accuracy"]
    assert accuracy.low <= 0.5 <= accuracy.high


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_network_that_reads_a_column_of_the_next_candle_is_refused(
    kind: ModelType, make_settings: MakeSettings
) -> None:
    verdict, scores = verdict_on(kind, that_tells_the_future(2_500, seed=3), make_settings)
    assert verdict.serves == "nothing"
    assert "too good to be true" in verdict.reasons[-1]
    assert scores.accuracy is not None
    assert scores.accuracy > 0.8
