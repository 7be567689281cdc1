"""Weights from skill, confidence from agreement, and members of different kinds in one forecast."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InsufficientData, ModelCorrupt
from domain.forecasting import ModelType
from models.registry.metadata import ModelMetadata
from models.registry.registry import Registry
from models.serving.ensemble import EnsembleForecaster, combine, skill_weights
from models.serving.forecaster import OnnxForecaster
from models.serving.loaded_models import load_version
from tests.fixtures.models import LENGTH, add_ensemble, add_model, feature_rows

pytest_plugins = ["tests.fixtures.registry"]

PRIOR = 0.6931
losses = st.dictionaries(st.sampled_from(list(ModelType)), st.floats(0.0, 2.0), min_size=1)
probability = st.floats(0.0, 1.0)


@st.composite
def opinions(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Return the probabilities of some members for one window, and their weights."""
    members = draw(st.integers(1, 6))
    shares = np.array(draw(st.lists(st.floats(1e-3, 1.0), min_size=members, max_size=members)))
    values = draw(st.lists(probability, min_size=members, max_size=members))
    return np.array(values)[:, None], shares / shares.sum()


def test_weight_is_the_share_of_the_skill() -> None:
    found = skill_weights(
        {ModelType.LSTM: PRIOR - 0.001, ModelType.XGBOOST: PRIOR - 0.003, ModelType.GRU: PRIOR + 0.01}, PRIOR
    )
    assert found == {ModelType.LSTM: pytest.approx(0.25), ModelType.XGBOOST: pytest.approx(0.75)}


@given(losses)
def test_weights_add_up_and_follow_the_skill(log_losses: dict[ModelType, float]) -> None:
    weights = skill_weights(log_losses, PRIOR)
    assert set(weights) == {kind for kind, loss in log_losses.items() if loss < PRIOR}
    assert not weights or sum(weights.values()) == pytest.approx(1.0)
    ranked = sorted(weights, key=lambda kind: log_losses[kind])
    assert [weights[kind] for kind in ranked] == sorted(weights.values(), reverse=True)


@given(opinions())
def test_the_probability_lies_within_those_of_the_members(given_opinions: tuple[np.ndarray, np.ndarray]) -> None:
    values, weights = given_opinions
    mean, disagreement, confidence = combine(values, weights)
    assert values.min() - 1e-12 <= mean[0] <= values.max() + 1e-12
    assert 0.0 <= disagreement[0] <= 0.5
    assert 0.0 <= confidence[0] <= abs(2 * mean[0] - 1) <= 1.0


@given(probability, st.integers(1, 6))
def test_members_that_agree_answer_as_one_model(value: float, members: int) -> None:
    mean, disagreement, confidence = combine(np.full((members, 1), value), np.full(members, 1 / members))
    assert mean[0] == pytest.approx(value)
    assert disagreement[0] == pytest.approx(0.0, abs=1e-7)
    assert confidence[0] == pytest.approx(abs(2 * value - 1), abs=1e-6)


@given(st.floats(0.0, 0.2), st.floats(0.001, 0.1))
def test_more_disagreement_lowers_the_confidence_of_the_same_probability(apart: float, more: float) -> None:
    weights = np.array([0.5, 0.5])
    near, far = (np.array([[0.7 - distance], [0.7 + distance]]) for distance in (apart, apart + more))
    assert combine(far, weights)[1] > combine(near, weights)[1]
    assert combine(far, weights)[2] < combine(near, weights)[2]


@given(opinions())
def test_the_order_of_members_does_not_matter(given_opinions: tuple[np.ndarray, np.ndarray]) -> None:
    values, weights = given_opinions
    for found, turned in zip(combine(values, weights), combine(values[::-1], weights[::-1]), strict=True):
        np.testing.assert_allclose(found, turned, atol=1e-7)


@pytest.fixture
def members(registry: Registry) -> list[ModelMetadata]:
    return [
        add_model(registry, ModelType.LSTM, seed=1),
        add_model(registry, ModelType.XGBOOST, seed=2, inputs="summary", outputs="three_class", sequence_length=5),
        add_model(registry, ModelType.TRANSFORMER, seed=3, feature_set="wide", sequence_length=12),
    ]


def test_members_of_different_feature_sets_and_lengths_answer_as_one(
    registry: Registry, members: list[ModelMetadata]
) -> None:
    weights = [0.5, 0.3, 0.2]
    ensemble = load_version(registry, add_ensemble(registry, *zip(members, weights, strict=True)).version)
    assert ensemble.needs == {"standard": LENGTH, "wide": 12}
    rows = {**feature_rows(4), **feature_rows(4, feature_set="wide", length=12)}
    forecasts = ensemble.forecast(rows)
    alone = [OnnxForecaster.load(registry.open(member.version)).forecast(rows).probability_up for member in members]
    for member, expected in zip(members, alone, strict=True):
        np.testing.assert_array_equal(forecasts.members[member.type], expected)
    np.testing.assert_allclose(forecasts.probability_up, np.average(alone, axis=0, weights=weights))
    variance = np.average((np.array(alone) - forecasts.probability_up) ** 2, axis=0, weights=weights)
    np.testing.assert_allclose(forecasts.disagreement, np.sqrt(variance))
    assert (forecasts.disagreement > 0.01).all()
    part = forecasts.part(1, 3)
    np.testing.assert_array_equal(part.members[ModelType.XGBOOST], alone[1][1:3])
    np.testing.assert_array_equal(part.confidence, forecasts.confidence[1:3])


def test_what_one_member_cannot_read_is_refused(registry: Registry, members: list[ModelMetadata]) -> None:
    ensemble = load_version(registry, add_ensemble(registry, (members[0], 0.5), (members[2], 0.5)).version)
    rows = {**feature_rows(1), **feature_rows(1, feature_set="wide", length=12)}
    ensemble.check(rows)
    with pytest.raises(ValueError, match="rows of the feature set wide are needed"):
        ensemble.check(feature_rows(1))
    with pytest.raises(ValueError, match="every feature set needs as many windows"):
        ensemble.check({**rows, **feature_rows(2)})
    rows["wide"][0, 0, 0] = np.nan
    with pytest.raises(InsufficientData):
        ensemble.check(rows)


def test_a_member_of_another_market_or_horizon_is_refused(registry: Registry) -> None:
    fitting, other = add_model(registry), add_model(registry, ModelType.GRU, horizon_candles=4)
    with pytest.raises(ModelCorrupt, match=f"{other.version} forecasts something else"):
        load_version(registry, add_ensemble(registry, (fitting, 0.5), (other, 0.5)).version)
    ensemble = add_ensemble(registry, (fitting, 1.0))
    with pytest.raises(ModelCorrupt, match="is not the lstm it names"):
        EnsembleForecaster(ensemble, [OnnxForecaster.load(registry.open(other.version))])
