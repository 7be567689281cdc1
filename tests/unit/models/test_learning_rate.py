"""The law of the learning rate over the updates of a training."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model_settings import TrainingSettings
from config.network_settings import LearningSettings
from models.training.backend import use_backend
from tests.fixtures.settings import configured

pytestmark = pytest.mark.slow

TRAINING = configured(TrainingSettings)
REFERENCE = 600


def cosine(rate: float, warm_up_share: float) -> LearningSettings:
    return LearningSettings(
        epochs=8, patience_epochs=4, rate=rate, schedule="cosine", rate_updates=REFERENCE, warm_up_share=warm_up_share
    )


def rates(learning: LearningSettings, updates: int, at: list[int]) -> list[float]:
    """Return the learning rate before some of the updates, counted from 0."""
    use_backend(TRAINING)
    from models.training.learning_rate import learning_rate

    rate = learning_rate(learning, TRAINING, updates)
    return [float(rate) if isinstance(rate, float) else float(rate(update)) for update in at]


@given(st.floats(1e-4, 1e-2), st.floats(0.02, 0.5), st.integers(20, 50_000))
def test_it_starts_low_is_highest_after_the_warm_up_and_ends_near_zero(rate: float, share: float, updates: int) -> None:
    warm_up = max(1, round(share * updates))
    points = [0, warm_up // 2, warm_up, (warm_up + updates) // 2, updates]
    start, rising, peak, sinking, end = rates(cosine(rate, share), updates, points)
    assert start == pytest.approx(0.01 * peak, rel=1e-4)
    assert end == pytest.approx(0.01 * peak, rel=1e-4)
    assert start <= rising < peak * (1 + 1e-6)
    assert end <= sinking < peak * (1 + 1e-6)
    assert peak == pytest.approx(rate * min(1.0, math.sqrt(REFERENCE / updates)), rel=1e-4)


def test_twice_the_updates_have_a_highest_rate_lower_by_the_root_of_two_and_fewer_have_no_higher_one() -> None:
    peaks = [rates(cosine(0.003, 0.1), updates, [updates // 10])[0] for updates in (300, 600, 1_200, 2_400)]
    assert peaks == pytest.approx([0.003, 0.003, 0.003 / math.sqrt(2), 0.0015], rel=1e-4)


@pytest.mark.parametrize("updates", [1, 2, 3])
def test_a_training_of_hardly_any_updates_has_positive_rates(updates: int) -> None:
    assert all(0.0 < rate < 0.003001 for rate in rates(cosine(0.003, 0.1), updates, [0, 1, updates]))


def test_a_plateau_begins_with_the_rate_of_the_training_or_its_own() -> None:
    learning = LearningSettings(
        epochs=8, patience_epochs=4, schedule="plateau", rate_factor=0.5, rate_patience_epochs=2
    )
    assert rates(learning, 10_000, [0]) == [TRAINING.learning_rate]
    assert rates(learning.model_copy(update={"rate": 0.02}), 10_000, [0]) == [0.02]
