"""What PatchTST minimizes: horizons by their weight, direction whatever the size of a move, and few coefficients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from config.model_settings import ModelSettings, TrainingSettings
from config.network_settings import PatchTSTSettings
from domain.arrays import RealArray
from domain.forecasting import ModelType
from features.datasets.targets import TradeClass
from models.architectures.catalogue import ARCHITECTURES
from models.architectures.outputs import CLASSES, probability_up
from models.export.parity import check_parity
from models.training.backend import use_backend
from models.training.fitting import fit
from tests.fixtures.learning import FEATURES, toy_data, toy_settings
from tests.fixtures.settings import configured

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from models.architectures.network import Network
    from models.architectures.patchtst import MultiHorizonLoss, TargetScale, horizon_weights

EQUAL = (0.25, 0.25, 0.25, 0.25)


@pytest.fixture(scope="module", autouse=True)
def keras_is_imported() -> None:
    """Import Keras for the first test that runs, not for the collection of all tests, which it would slow down."""
    global Network, MultiHorizonLoss, TargetScale, horizon_weights
    use_backend(configured(TrainingSettings))
    from models.architectures.network import Network
    from models.architectures.patchtst import MultiHorizonLoss, TargetScale, horizon_weights


def settings_of(recipe: str) -> PatchTSTSettings:
    return configured(ModelSettings, recipe=recipe).patchtst


def huber(errors: RealArray) -> RealArray:
    size = np.abs(errors)
    return np.where(size <= 1.0, 0.5 * errors**2, size - 0.5)


def test_horizons_weigh_the_same_by_the_specification_and_as_their_labels_are_unique_by_default() -> None:
    assert horizon_weights(settings_of("specified")) == EQUAL
    assert horizon_weights(settings_of("tuned")) == pytest.approx((48 / 64, 12 / 64, 3 / 64, 1 / 64))


@pytest.mark.parametrize(("weights", "direction_weight"), [(EQUAL, 0.0), ((0.75, 0.1875, 0.046875, 0.015625), 2.0)])
def test_the_loss_is_its_formula(weights: tuple[float, ...], direction_weight: float) -> None:
    rng = np.random.default_rng(5)
    scale = TargetScale((0.01, 0.02, 0.03, 0.04), (0.02, 0.04, 0.02, 0.05), 100)
    returns, classes, risks = rng.normal(0, 0.02, (6, 4)), rng.integers(0, 3, (6, 4)), rng.normal(0, 0.03, (6, 4))
    answers = rng.normal(size=(6, 20)) * np.repeat([0.02, 1.0, 0.03], [4, 12, 4])
    logits = answers[:, 4:16].reshape(6, 4, 3)
    surprise = np.log(np.exp(logits).sum(axis=2)) - np.take_along_axis(logits, classes[..., None], axis=2)[..., 0]
    sides = (logits[..., TradeClass.BUY] - logits[..., TradeClass.SELL]) * np.sign(returns)
    by_horizon = huber((returns - answers[:, :4]) / scale.returns) + surprise
    by_horizon += direction_weight * np.log1p(np.exp(-sides))
    of_risks = huber((risks - answers[:, 16:]) / scale.risks)
    expected = by_horizon @ weights + of_risks @ np.array([weights[1], weights[3], weights[1], weights[3]])
    true = np.column_stack([returns, classes, risks]).astype(np.float32)
    found = MultiHorizonLoss(scale, weights, direction_weight).call(true, answers.astype(np.float32))
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-5)


def test_by_default_it_reads_the_column_that_tells_and_hardly_another_and_is_exported() -> None:
    settings, tuned, data = toy_settings(), settings_of("tuned"), toy_data("multi_horizon")
    names = ("newest_row", "horizon_weights", "direction_weight", "head_penalty")
    patches = settings.patchtst.model_copy(update={name: getattr(tuned, name) for name in names})
    settings = settings.model_copy(update={"patchtst": patches})
    network = fit(ARCHITECTURES[ModelType.PATCHTST], data, settings, lambda _: None)
    assert isinstance(network, Network)
    inputs, up = data.inputs(300), data.up[data.validation.ends[:300]]
    assert ((probability_up(network.raw(inputs), "multi_horizon") > 0.5) == up).mean() > 0.9
    assert check_parity(network.raw, network.onnx(), inputs) < 1e-5
    # Of the classes of the next candle, the coefficients of the newest row; without the penalty noise has a tenth.
    classes = next(layer for layer in network.model.layers if layer.name.startswith("dense") and layer.units == CLASSES)
    signal, *noise = np.abs(classes.get_weights()[0][-FEATURES:]).mean(axis=1)
    assert max(noise) < 0.03 * signal
