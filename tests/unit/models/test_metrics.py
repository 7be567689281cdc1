"""Metrics: the numbers of scikit-learn and scipy, None where undefined, and their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.bootstrap import Resampling
from models.evaluation.metrics import Scores, ranks, score

# Few different values, so that there are ties.
probabilities = st.sampled_from((0.001, 0.2, 0.45, 0.5, 0.55, 0.8, 0.999))
moves = st.sampled_from((-0.02, -0.01, 0.01, 0.03))


def forecasts(count: int, skill: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities and returns whose signs they forecast."""
    rng = np.random.default_rng([7, seed])
    probability = np.clip(0.5 + skill * rng.normal(size=count), 0.05, 0.95)
    signs = np.where(rng.random(count) < probability, 1.0, -1.0)
    return probability, signs * rng.exponential(0.01, size=count)


@given(st.lists(st.tuples(probabilities, moves), min_size=4, max_size=60))
def test_numbers_are_those_of_the_libraries(rows: list[tuple[float, float]]) -> None:
    # Seconds that collecting the tests does without.
    from scipy.stats import pearsonr, spearmanr
    from sklearn import metrics as reference

    probability, returns = np.array(rows).T
    up, predicted = returns > 0.0, probability >= 0.5
    scores = score(probability, returns)
    assert (scores.count, scores.ups) == (len(rows), up.sum())
    assert scores.accuracy == pytest.approx(reference.accuracy_score(up, predicted))
    assert scores.brier == pytest.approx(reference.brier_score_loss(up, probability, labels=[False, True]))
    assert scores.log_loss == pytest.approx(reference.log_loss(up, probability, labels=[False, True]))
    if predicted.any():
        assert scores.precision == pytest.approx(reference.precision_score(up, predicted))
    if up.any():
        assert scores.recall == pytest.approx(reference.recall_score(up, predicted))
        assert scores.f1 == pytest.approx(reference.f1_score(up, predicted))
    if up.any() and not up.all():
        assert scores.auc == pytest.approx(reference.roc_auc_score(up, probability))
    if np.ptp(probability) > 0.0 and np.ptp(returns) > 0.0:
        assert scores.ic == pytest.approx(pearsonr(probability, returns).statistic)
        assert scores.rank_ic == pytest.approx(spearmanr(probability, returns).statistic)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_ranks_share_ties(values: list[int]) -> None:
    from scipy.stats import rankdata

    np.testing.assert_array_equal(ranks(np.array(values, dtype=float)), rankdata(values))


@pytest.mark.parametrize(
    ("probability", "returns", "undefined"),
    [
        ([0.4, 0.3], [0.01, -0.01], {"precision"}),
        ([0.6, 0.7], [0.01, 0.02], {"auc"}),
        ([0.6, 0.7], [-0.01, -0.02], {"auc", "recall", "f1"}),
        ([0.6, 0.6], [0.01, -0.01], {"ic", "rank_ic"}),
        ([0.1 + 0.5] * 7, [0.01, -0.01] * 3 + [0.02], {"ic", "rank_ic"}),
        ([0.6], [0.0], set(Scores.model_fields) - {"count", "ups", "intervals"}),
        ([], [], set(Scores.model_fields) - {"count", "ups", "intervals"}),
    ],
)
def test_what_is_undefined_is_none(probability: list[float], returns: list[float], undefined: set[str]) -> None:
    scores = score(np.array(probability), np.array(returns))
    assert {name for name, value in scores.model_dump().items() if value is None} == undefined
    assert Scores.model_validate_json(scores.model_dump_json()) == scores


def test_unchanged_and_unknown_returns_are_not_judged() -> None:
    some = score(np.array([0.9, 0.2, 0.9, 0.9]), np.array([0.01, -0.01, 0.0, np.nan]))
    assert some == score(np.array([0.9, 0.2]), np.array([0.01, -0.01]))


@pytest.mark.parametrize("skill", [0.0, 0.1])
def test_intervals_contain_their_metric_and_cover_chance(skill: float) -> None:
    probability, returns = forecasts(4_000, 0.1, seed=3)
    if not skill:
        probability = np.random.default_rng(4).permutation(probability)
    scores = score(probability, returns, Resampling(400, 24, 1))
    assert set(scores.intervals) == {
        "accuracy", "precision", "recall", "f1", "auc", "ic", "rank_ic", "brier", "log_loss"
    }  # fmt: skip
    for name, ends in scores.intervals.items():
        assert ends.low < getattr(scores, name) < ends.high, name
    for name, chance in (("accuracy", 0.5), ("auc", 0.5), ("ic", 0.0), ("rank_ic", 0.0)):
        assert (scores.intervals[name].low > chance) == bool(skill), name


def test_the_auc_interval_is_that_of_whole_resamples() -> None:
    from sklearn import metrics as reference

    probability, returns = forecasts(600, 0.2)
    up = returns > 0.0
    rng = np.random.default_rng(8)
    draws = []
    for _ in range(600):
        rows = rng.integers(0, 600, size=600)
        draws.append(reference.roc_auc_score(up[rows], probability[rows]))
    found = score(probability, returns, Resampling(2_000, 1, 1)).intervals["auc"]
    low, high = np.quantile(draws, (0.025, 0.975))
    assert found.low == pytest.approx(low, abs=0.006)
    assert found.high == pytest.approx(high, abs=0.006)


def test_few_rows_have_scores_without_intervals() -> None:
    scores = score(*forecasts(100, 0.1), Resampling(200, 24, 1))
    assert scores.auc is not None
    assert scores.intervals == {}
