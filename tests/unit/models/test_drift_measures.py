"""Distances of features, the Page-Hinkley test, and the reference that a training keeps."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from domain.errors import ModelCorrupt
from models.drift.distances import bin_edges, kolmogorov_smirnov, population_stability, shares
from models.drift.page_hinkley import PageHinkley, rises
from models.drift.reference import TrainingReference
from models.drift.verdicts import SettledAnswer, brier_trend
from tests.fixtures.drifting import drift_settings

# Whole numbers, so that ties occur.
samples = arrays(np.float32, st.integers(5, 60), elements=st.integers(-9, 9).map(float)).map(np.sort)
weights = arrays(np.float64, 10, elements=st.integers(0, 50).map(float)).filter(lambda found: found.sum() > 0)


def scipy_distance(first: np.ndarray, second: np.ndarray, method: str = "auto") -> float:
    from scipy.stats import ks_2samp  # a second of imports, which the collection of tests does without

    return float(ks_2samp(first, second, method=method).statistic)


def test_stability_index_of_a_case_computed_by_hand() -> None:
    expected, actual = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.3, 0.3])
    by_hand = (0.4 - 0.5) * log(0.4 / 0.5) + (0.3 - 0.2) * log(0.3 / 0.2)
    assert population_stability(expected, actual) == pytest.approx(by_hand)
    emptied = (1e-4 - 0.5) * log(1e-4 / 0.5) + (1.0 - 0.5) * log(1.0 / 0.5)
    assert population_stability(np.array([0.5, 0.5]), np.array([0.0, 1.0])) == pytest.approx(emptied)


@given(weights, weights)
def test_stability_index_is_zero_of_the_same_symmetric_and_never_negative(
    first: np.ndarray, second: np.ndarray
) -> None:
    one, other = first / first.sum(), second / second.sum()
    assert population_stability(one, one) == 0
    assert population_stability(one, other) == pytest.approx(population_stability(other, one))
    assert population_stability(one, other) >= 0


@given(samples, samples)
def test_distance_of_distribution_functions_is_that_of_scipy(first: np.ndarray, second: np.ndarray) -> None:
    distance = kolmogorov_smirnov(first, second)
    assert 0 <= distance <= 1
    # Of single precision, scipy would compute in it.
    assert distance == pytest.approx(scipy_distance(first.astype(float), second.astype(float), method="asymp"))
    assert distance == pytest.approx(kolmogorov_smirnov(second, first))
    assert kolmogorov_smirnov(first, first) == 0


@given(samples)
def test_bins_hold_every_value_once(values: np.ndarray) -> None:
    edges = bin_edges(values, 10)
    assert edges.shape == (9,)
    assert (np.diff(edges[np.isfinite(edges)]) > 0).all()
    assert shares(values, edges).sum() == pytest.approx(1)


def test_bins_are_equal_and_a_frequent_value_has_its_own() -> None:
    even = np.arange(1000, dtype=np.float32)
    assert shares(even, bin_edges(even, 10)) == pytest.approx(np.full(10, 0.1), abs=0.002)
    for often, rare in ((0.0, 1.0), (1.0, 0.0)):
        values = np.sort(np.array([often] * 950 + [rare] * 50, dtype=np.float32))
        found = shares(values, bin_edges(values, 10))
        assert sorted(found[found > 0]) == pytest.approx([0.05, 0.95])


@given(st.lists(st.floats(0, 4), min_size=1, max_size=150), st.integers(1, 40))
def test_page_hinkley_finds_what_river_finds(values: list[float], least: int) -> None:
    from river.drift import PageHinkley as RiverPageHinkley  # it imports scikit-learn for seconds

    theirs = RiverPageHinkley(min_instances=least, delta=0.1, threshold=3.0, alpha=0.9999, mode="up")
    expected = []
    for position, value in enumerate(values):
        theirs.update(value)  # type: ignore[no-untyped-call]  # river has no types here
        if theirs.drift_detected:
            expected.append(position)
    assert rises(values, PageHinkley(least, 0.1, 3.0)) == expected


def test_reference_is_read_as_it_was_written_and_damage_is_refused() -> None:
    rows = np.random.default_rng(1).normal(size=(900, 3))
    reference = TrainingReference.of(rows, ("a", "b", "c"), 150)
    again = TrainingReference.load(reference.dump())
    assert (again.columns, again.rows) == (("a", "b", "c"), 150)
    for name in ("edges", "shares", "quantiles", "usual_psi", "usual_ks"):
        assert np.array_equal(getattr(again, name), getattr(reference, name))
    for content in (b"", b"no archive", reference.dump()[:200]):
        with pytest.raises(ModelCorrupt):
            TrainingReference.load(content)


def test_quantiles_stand_for_all_rows() -> None:
    rows = np.random.default_rng(2).normal(size=(5000, 1))
    reference = TrainingReference.of(rows, ("a",), 300)
    now = np.random.default_rng(3).normal(0.5, size=(300, 1))
    assert reference.distances(now)[1][0] == pytest.approx(scipy_distance(rows[:, 0], now[:, 0]), abs=0.005)


def answers(seed: int, inverted_from: int) -> list[SettledAnswer]:
    rng = np.random.default_rng(seed)
    stated = np.clip(0.5 + 0.1 * rng.normal(size=1000), 0.05, 0.95)
    true = np.where(np.arange(1000) < inverted_from, stated, 1 - stated)
    rose = rng.random(1000) < true
    return [SettledAnswer(at, float(p), bool(up)) for at, (p, up) in enumerate(zip(stated, rose, strict=True))]


@pytest.mark.parametrize("seed", range(6))
def test_a_model_that_begins_to_be_wrong_is_found_and_a_calibrated_one_is_not(seed: int) -> None:
    calm = brier_trend(answers(seed, 1000), drift_settings())
    assert calm.risen_ms is None
    assert calm.recent == pytest.approx(calm.stated, abs=0.02)
    risen = brier_trend(answers(seed, 500), drift_settings())
    assert risen.risen_ms is not None
    assert 500 < risen.risen_ms < 1000
    assert risen.recent is not None
    assert risen.earlier is not None
    assert risen.recent > risen.earlier


def test_answers_of_several_markets_about_one_candle_count_once_and_one_half_says_nothing() -> None:
    both = [SettledAnswer(1, 0.6, True), SettledAnswer(1, 0.6, False), SettledAnswer(2, 0.5, True)]
    trend = brier_trend(both, drift_settings())
    assert (trend.count, trend.recent) == (2, 0.25)
    assert trend.earlier == pytest.approx((0.16 + 0.36) / 2)
    assert brier_trend([SettledAnswer(at, 0.5, at > 50) for at in range(100)], drift_settings()).risen_ms is None
    assert brier_trend([], drift_settings()).count == 0
