"""Intervals that hold at every look: against another implementation, and in simulated records."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.scoring.clusters import ClusterSums
from services.ledger.scoring.counted_settlements import Flags, Floats
from services.ledger.scoring.intervals import LEAST_FOR_MEANS, mean_reach, share_sequence

Z = NormalDist().inv_cdf(0.975)


def wilson(successes: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Return the ordinary 95 % interval of a share (Wilson 1927), for one look."""
    share, weight = successes / counts, Z * Z / counts
    center = (share + weight / 2) / (1 + weight)
    reach = Z * np.sqrt(share * (1 - share) / counts + weight / (4 * counts)) / (1 + weight)
    return center - reach, center + reach


def leaves_out(truth: float, ends: tuple[Floats, Floats]) -> Flags:
    low, high = ends
    return np.asarray((low > truth) | (high < truth))


def looks(sizes: Floats, hits: Floats) -> ClusterSums:
    """Return the sums at each look: after each cluster of each run, by shape (runs, clusters)."""
    columns = (sizes, hits, hits, np.ones_like(hits), sizes**2, sizes * hits, hits**2)
    return ClusterSums(*(column.cumsum(axis=1) for column in columns))


def markets_that_move_together(correlation: float, runs: int, moments: int, markets: int) -> Floats:
    """Return hits by run, moment and market of coin-flip calls whose markets have a common part."""
    random = np.random.default_rng(5)
    common, own = random.normal(size=(runs, moments, 1)), random.normal(size=(runs, moments, markets))
    moves = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own
    return np.asarray(moves > 0, dtype=float)


def test_both_sequences_are_those_of_another_package() -> None:
    from ville.means import AsymptoticCS
    from ville.proportions import BernoulliCS

    random = np.random.default_rng(1)
    flips = (random.random(400) < 0.55).astype(float)
    other = BernoulliCS(intersect=False)
    for count in (1, 7, 60, 400):
        ends = other.fit(flips[:count]).interval()
        own = share_sequence(np.array(flips[:count].sum()), np.array(float(count)))
        assert [float(end) for end in own] == pytest.approx(ends, abs=1e-9)
    values = random.standard_t(5, 2_000)
    means = AsymptoticCS(t_opt=500, min_samples=LEAST_FOR_MEANS)
    for count in (LEAST_FOR_MEANS, 300, 2_000):
        part = values[:count]
        low, high = means.fit(part).interval()
        reach = float(mean_reach(np.array(part.std(ddof=1)), np.array(float(count))))
        # They choose the same constant, one by a formula and one by a search.
        assert reach == pytest.approx((high - low) / 2, rel=0.03)


@given(count=st.floats(0, 5_000), share=st.floats(0, 1))
def test_the_interval_holds_the_share_and_its_ends_are_where_the_mixture_is_twenty_times_likelier(
    count: float, share: float
) -> None:
    from scipy.special import betaln, xlogy

    low, high = (float(end) for end in share_sequence(np.array(count * share), np.array(count)))
    assert 0 <= low <= share + 1e-9 or count == 0
    assert share - 1e-9 <= high <= 1
    for end in (low, high):
        if 1e-9 < end < 1 - 1e-9:
            hits = count * share
            surprise = betaln(1 + hits, 1 + count - hits) - xlogy(hits, end) - xlogy(count - hits, 1 - end)
            assert surprise == pytest.approx(np.log(20), abs=1e-4)


def test_coin_flips_that_are_watched_at_every_look_leave_half_out_in_few_runs() -> None:
    """And an ordinary interval leaves it out at some look in most of them."""
    flips = np.random.default_rng(2).random((300, 400)) < 0.5
    hits = flips.cumsum(axis=1).astype(float)
    counts = np.broadcast_to(np.arange(1.0, 401.0), hits.shape)
    assert leaves_out(0.5, share_sequence(hits, counts)).any(axis=1).mean() <= 0.05
    watched = leaves_out(0.5, wilson(hits, counts))
    assert watched[:, 29:].any(axis=1).mean() > 0.25
    assert watched.any(axis=1).mean() > 0.4


def test_thirty_independent_streams_copied_eight_times_are_covered_as_a_simulation_says_they_must() -> None:
    """Eight markets that do the same count as one; an ordinary interval takes them for eight."""
    hits = markets_that_move_together(1.0, runs=2_000, moments=30, markets=8).sum(axis=2)
    sums = looks(np.full_like(hits, 8.0), hits)
    assert sums.effective[:, -1] == pytest.approx(np.full(2_000, 30.0), rel=0.1)
    missed = leaves_out(0.5, share_sequence(sums.mean * sums.effective, sums.effective))
    assert missed.any(axis=1).mean() <= 0.06
    assert leaves_out(0.5, wilson(sums.total, sums.count))[:, -1].mean() > 0.3


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_markets_that_move_together_widen_the_interval_by_as_much_as_they_do(correlation: float) -> None:
    hits = markets_that_move_together(correlation, runs=400, moments=100, markets=8).sum(axis=2)
    sums = looks(np.full_like(hits, 8.0), hits)
    missed = leaves_out(0.5, share_sequence(sums.mean * sums.effective, sums.effective))
    assert missed.any(axis=1).mean() <= 0.06
    # Correlation of two signs of normal values (Sheppard 1899), and the design effect of clusters of eight.
    alike = 2 / np.pi * np.arcsin(correlation)
    assert sums.design_effect[:, -1].mean() == pytest.approx(1 + 7 * alike, rel=0.08)


def test_the_mean_of_plans_is_covered_at_every_look_and_far_off_values_are_left_out() -> None:
    """Plans that win two risks or lose one, and are worth nothing."""
    random = np.random.default_rng(3)
    results = np.where(random.random((500, 600)) < 1 / 3, 2.0, -1.0)
    counts = np.broadcast_to(np.arange(1.0, 601.0), results.shape)
    means = results.cumsum(axis=1) / counts
    spread = np.sqrt((results**2).cumsum(axis=1) / counts - means**2)
    reach = mean_reach(spread, counts)
    missed = np.abs(means) > reach
    assert np.isnan(reach[:, : LEAST_FOR_MEANS - 1]).all()
    assert missed.any(axis=1).mean() <= 0.05
    assert (np.abs(means - 0.6) > reach)[:, -1].mean() > 0.95


def test_without_entries_an_interval_says_nothing() -> None:
    low, high = share_sequence(np.array([0.0]), np.array([0.0]))
    assert (low.tolist(), high.tolist()) == ([0.0], [1.0])
