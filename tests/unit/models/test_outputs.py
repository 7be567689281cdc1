"""Raw outputs: probabilities from every kind, and the parts of a multi-horizon output."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.datasets.targets import multi_horizon_target
from models.architectures.outputs import OUTPUTS, OutputKind, probability_up, unpack_horizons

logits = st.floats(-60, 60, width=32)


def test_a_probability_is_taken_as_it_is() -> None:
    np.testing.assert_array_equal(probability_up(np.array([[0.2], [0.9]]), "probability"), [0.2, 0.9])


def test_hold_counts_for_neither_side() -> None:
    raw = np.array([[0.1, 0.6, 0.3], [0.0, 1.0, 0.0], [0.5, 0.5, 0.0]])
    np.testing.assert_allclose(probability_up(raw, "three_class"), [0.75, 0.5, 0.0])


@given(classes=st.lists(logits, min_size=12, max_size=12), judged=st.integers(0, 3))
def test_the_judged_horizon_alone_decides(classes: list[float], judged: int) -> None:
    raw = np.concatenate([np.zeros(4), classes, np.zeros(4)])[None]
    sell, _, buy = classes[3 * judged : 3 * judged + 3]
    # The softmax of three, reduced to two, is the logistic function of their difference.
    expected = 1.0 / (1.0 + np.exp(np.float64(sell) - buy))
    weights = np.exp(np.array(classes[3 * judged : 3 * judged + 3]) - max(classes[3 * judged : 3 * judged + 3]))
    if weights[0] + weights[2] > 1e-300:
        assert probability_up(raw, "multi_horizon", judged)[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("kind", OUTPUTS)
def test_another_number_of_outputs_is_refused(kind: OutputKind) -> None:
    with pytest.raises(ValueError, match=rf"shape \(n, {OUTPUTS[kind]}\), received \(2, 7\)"):
        probability_up(np.zeros((2, 7)), kind)


def test_answers_and_targets_of_four_horizons_have_the_same_order() -> None:
    rng = np.random.default_rng(3)
    closes = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.01, 60)))
    highs, lows = closes * 1.01, closes * 0.98
    horizons = (1, 2, 5, 9)
    target = multi_horizon_target(closes, highs, lows, horizons, np.full(60, 0.005), None)
    assert target.shape == (60, 12)
    # An answer that is the truth, with logits that state the true class.
    known = target[:-9]
    stated = 50.0 * np.eye(3)[known[:, 4:8].astype(int)].reshape(len(known), 12)
    raw = np.concatenate([known[:, :4], stated, known[:, 8:]], axis=1)
    forecasts = unpack_horizons(raw, horizons)
    for horizon in horizons:
        expected = closes[horizon : len(known) + horizon] / closes[: len(known)] - 1
        np.testing.assert_allclose(forecasts.returns[horizon], expected)
        probability = probability_up(raw, "multi_horizon", horizons.index(horizon))
        moved = 0.005 * np.sqrt(horizon)
        assert (probability[expected > moved] > 0.99).all()
        assert (probability[expected < -moved] < 0.01).all()
    assert list(forecasts.drawdowns) == list(forecasts.rallies) == [2, 9]
    at = 7
    assert forecasts.drawdowns[9][at] == pytest.approx(min(0, lows[at + 1 : at + 10].min() / closes[at] - 1))
    assert forecasts.rallies[2][at] == pytest.approx(max(0, highs[at + 1 : at + 3].max() / closes[at] - 1))
