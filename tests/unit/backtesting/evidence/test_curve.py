"""The curve finds a planted edge, tells none where there is none, and is no surer than its weeks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from backtesting.evidence.building import build_evidence, calibration_error, interval
from backtesting.evidence.checking import check_market
from backtesting.evidence.curve import MIN_CLUSTERS, chance, fit_curve
from backtesting.evidence.samples import join
from commands.tables.evidence import check_tables
from domain.errors import InsufficientData
from domain.hours.clocks import WEEK_MS
from domain.market import Timeframe
from domain.trading.costs import MarketCosts
from domain.trading.plans import TradePlan
from domain.values import Signal
from rules.evidence.weighing import Weigher
from tests.fixtures.evidence import market, planted

COSTS = MarketCosts(fee_bps=5, slippage_bps=1)


@pytest.mark.parametrize("weight", [-0.3, 0.0, 0.3])
def test_a_planted_weight_is_found_within_its_error(weight: float) -> None:
    found = fit_curve(planted(weight), Timeframe.H1)
    assert abs(found.weight - weight) < 3 * found.error
    assert found.error < 0.05


def test_repeated_plans_count_once() -> None:
    single, repeated = (
        fit_curve(planted(0.2, 8_000), Timeframe.H1),
        fit_curve(planted(0.2, 1_000, copies=8), Timeframe.H1),
    )
    assert repeated.plans < single.plans / 3
    assert repeated.error > 1.7 * single.error


def test_few_weeks_are_no_evidence() -> None:
    samples = planted(0.3, 24 * 7 * (MIN_CLUSTERS - 2))
    with pytest.raises(InsufficientData, match="needs plans of 26 weeks, there are 2"):
        fit_curve(samples, Timeframe.H1)


@pytest.mark.parametrize(("weight", "verdict"), [(0.5, "positive"), (0.0, "none"), (-0.5, "inverted")])
def test_a_book_tells_an_edge_from_chance(weight: float, verdict: str) -> None:
    evidence = build_evidence([market(planted(weight))], datetime(2026, 1, 1, tzinfo=UTC))
    plan = TradePlan(side=Signal.LONG, entry=100, stop=99, target=102, horizon_candles=240)
    found = Weigher(evidence, COSTS).weigh(plan, "BTCUSDT", Timeframe.H1, 1.0)
    assert found.verdict == verdict
    assert found.target_first == pytest.approx(float(chance(np.array(weight))), abs=0.03)
    assert found.net_bps == pytest.approx(found.gross_bps - 12)
    assert found.expected_r == pytest.approx(found.net_bps / 100, abs=1e-3)


def test_what_was_not_measured_counts_half_and_half_again() -> None:
    evidence = build_evidence([market(planted(0.5))], datetime(2026, 1, 1, tzinfo=UTC))
    plan = TradePlan(side=Signal.LONG, entry=100, stop=99, target=102, horizon_candles=240)
    weigher = Weigher(evidence, MarketCosts(fee_bps=0, slippage_bps=0))
    hour, quarter, share = (
        weigher.weigh(plan, symbol, timeframe, 1.0).target_first - 1 / 3
        for symbol, timeframe in (("BTCUSDT", Timeframe.H1), ("BTCUSDT", Timeframe.M15), ("AAPL", Timeframe.M15))
    )
    assert quarter == pytest.approx(hour / 2, rel=0.1)
    assert share == pytest.approx(hour / 4, rel=0.15)


def test_years_are_predicted_by_the_years_before() -> None:
    evidence = build_evidence([market(planted(0.4, 30_000))], datetime(2026, 1, 1, tzinfo=UTC))
    (record,) = evidence.records
    assert [fold.year for fold in record.folds] == [2022, 2023, 2024]
    for fold in record.folds:
        assert abs(fold.predicted - fold.came) < 0.03
        assert fold.calibration_error < 0.05


def test_a_check_compares_with_entries_at_random() -> None:
    evidence = build_evidence([market(planted(0.4))], datetime(2026, 1, 1, tzinfo=UTC))
    good, chanceful = (check_market(evidence, market(planted(weight, seed=4)), COSTS) for weight in (0.4, 0.0))
    assert good is not None
    assert chanceful is not None
    assert (good.verdict, chanceful.verdict) == ("above random", "as random")
    assert abs(good.target_first - good.stated) < 0.02 < chanceful.stated - chanceful.target_first
    assert [group.confidence for group in good.groups] == sorted(group.confidence for group in good.groups)
    none = replace(planted(0.0), given=np.zeros(40_000, dtype=np.bool_))
    assert check_market(evidence, market(none), COSTS) is None


@pytest.mark.parametrize("weeks", [2, 3, 5, 10, 25])
def test_intervals_of_few_weeks_hold_their_mean(weeks: int) -> None:
    times_ms, held, trials = np.repeat(WEEK_MS * np.arange(weeks), 30), 0, 400
    for seed in range(trials):
        rng = np.random.default_rng([weeks, seed])
        found = interval(np.repeat(rng.normal(size=weeks), 30) + rng.normal(size=len(times_ms)), times_ms, Timeframe.H1)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.0 <= found.high
    assert held / trials == pytest.approx(0.95, abs=0.03)


def test_a_single_week_has_no_interval_and_no_verdict() -> None:
    evidence = build_evidence([market(planted(0.4))], datetime(2026, 1, 1, tzinfo=UTC))
    week = planted(0.4, 60)
    week = replace(week, times_ms=week.times_ms // WEEK_MS * WEEK_MS)
    checked = check_market(evidence, market(week), COSTS)
    assert checked is not None
    assert checked.above_random_r.mean is not None
    assert (checked.above_random_r.low, checked.above_random_r.high, checked.verdict) == (None, None, "-")
    Console(file=(stream := StringIO()), width=250).print(check_tables([checked], "this", {}))
    assert f"{checked.gross_r.mean:+.3f} " in stream.getvalue()


def test_markets_are_pooled() -> None:
    parts = [planted(0.3, 6_000, seed) for seed in (1, 2)]
    evidence = build_evidence([market(parts[0]), market(parts[1], "ETHUSDT")], datetime(2026, 1, 1, tzinfo=UTC))
    (record,) = evidence.records
    assert record.weight == pytest.approx(fit_curve(join(parts), Timeframe.H1).weight, abs=1e-6)
    assert record.built_from.startswith("2 markets, 1h, 2020-09 to 2021-05")
    assert record.samples == 24_000


def test_the_calibration_error_is_the_mean_distance_over_bins() -> None:
    predicted = np.repeat([0.2, 0.6], 500)
    came = np.concatenate([np.repeat([1.0, 0.0], [150, 350]), np.repeat([1.0, 0.0], [300, 200])])
    rng = np.random.default_rng(1)
    came = np.concatenate([rng.permutation(came[:500]), rng.permutation(came[500:])])
    assert calibration_error(predicted, came) == pytest.approx(0.05, abs=0.03)
    assert calibration_error(np.empty(0), np.empty(0)) == 0
