"""A timeframe with enough plans has a record of its own; what it is short of, others lend it."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from backtesting.evidence.building import build_evidence
from backtesting.evidence.checking import check_market, check_markets
from backtesting.evidence.curve import cluster_weeks, clustered_mean, fit_curve, fit_curves
from domain.errors import InsufficientData
from domain.market import Timeframe
from domain.trading.costs import MarketCosts
from domain.trading.plans import TradePlan
from domain.values import Signal
from rules.evidence.weighing import Weigher
from services.evidence.file import SHIPPED, read_evidence
from tests.fixtures.evidence import market, planted

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FREE = MarketCosts(fee_bps=0, slippage_bps=0)
PLAN = TradePlan(side=Signal.LONG, entry=100, stop=97, target=106, horizon_candles=240)
H1, H4, D1, M15 = Timeframe.H1, Timeframe.H4, Timeframe.D1, Timeframe.M15


def test_plans_on_longer_candles_are_open_for_longer_and_make_longer_clusters() -> None:
    assert [cluster_weeks(timeframe) for timeframe in (Timeframe.M1, M15, H1, H4, D1)] == [1, 1, 1, 4, 24]
    rng = np.random.default_rng(1)
    # Each chance lasts for 100 candles of four hours, more than two weeks.
    values = np.repeat(rng.normal(size=50), 100)
    times_ms = 1_600_000_000_000 + H4.ms * np.arange(len(values))
    assert clustered_mean(values, times_ms, H4)[1] > 1.15 * clustered_mean(values, times_ms, H1)[1]


def test_a_timeframe_with_fewer_plans_is_shrunk_towards_half_of_the_weight_of_the_other() -> None:
    hours, fours = planted(0.2, 30_000), planted(0.6, 7_000, seed=2, timeframe=H4)
    evidence = build_evidence([market(hours), market(fours, timeframe=H4)], NOW)
    one, four = evidence.records
    assert (one.timeframe, four.timeframe) == (H1, H4)
    assert (one.weight, one.error) == (one.own_weight, one.own_error)
    assert one.weight == round(fit_curve(hours, H1).weight, 6)
    assert four.own_weight == round(fit_curve(fours, H4).weight, 6)
    assert one.weight / 2 < four.weight < four.own_weight
    assert four.error < four.own_error
    assert four.built_from.startswith("BTCUSDT, 4h, ")


def test_the_fewer_plans_the_more_it_is_shrunk() -> None:
    hours = planted(0.2, 30_000)
    kept = []
    for count in (5_000, 10_000, 20_000):
        four = fit_curves({H1: hours, H4: planted(0.6, count, seed=3, timeframe=H4)})[H4]
        kept.append(four.counts.weight / four.own.weight)
    assert kept == sorted(kept)
    assert kept[0] < 0.95 < kept[-1] < 1


def test_a_timeframe_that_has_too_few_plans_is_left_out_and_named() -> None:
    days = market(planted(0.5, 2_000, timeframe=D1), timeframe=D1)
    evidence = build_evidence([market(planted(0.2)), days], NOW)
    assert [record.timeframe for record in evidence.records] == [H1]
    assert evidence.left_out == {D1: "evidence of 1d candles needs plans of 624 weeks, there are 312"}
    with pytest.raises(InsufficientData, match="1d candles needs plans of 624 weeks, there are 312"):
        build_evidence([days], NOW)


def test_plans_are_weighed_by_the_record_of_their_timeframe_or_by_half_of_the_nearest() -> None:
    hours, fours = market(planted(0.2, 30_000)), market(planted(0.6, 7_000, seed=2, timeframe=H4), timeframe=H4)
    weigher = Weigher(build_evidence([hours, fours], NOW), FREE)
    assert weigher.evidence is not None
    one, four = weigher.evidence.records
    for timeframe, record, share in ((M15, one, 0.5), (H1, one, 1), (H4, four, 1), (D1, four, 0.5)):
        found = weigher.weigh(PLAN, "BTCUSDT", timeframe, 1.0)
        odds = np.log(found.target_first / (1 - found.target_first)) - np.log(found.break_even / (1 - found.break_even))
        assert odds == pytest.approx(share * record.weight, abs=1e-3)
        assert (found.plans, found.built_from) == (record.plans, record.built_from)


def test_years_are_predicted_by_the_shrunk_curves_of_the_years_before() -> None:
    hours, fours = planted(0.2, 30_000), planted(0.6, 7_000, seed=2, timeframe=H4)
    one, four = build_evidence([market(hours), market(fours, timeframe=H4)], NOW).records
    assert [fold.year for fold in one.folds] == [2022, 2023, 2024]
    # 26 clusters of four weeks before the first that is predicted, and a plan's 240 candles.
    assert [fold.year for fold in four.folds] == [2023]
    assert four.folds[0].predicted < four.folds[0].came


def test_the_shipped_file_knows_hours_and_four_hours_of_coins() -> None:
    evidence = read_evidence(SHIPPED)
    assert evidence is not None
    one, four = evidence.records
    assert (one.timeframe, one.weight, one.error, one.plans, one.samples) == (H1, 0.144532, 0.069246, 2_780, 147_918)
    assert (four.timeframe, four.plans, four.samples) == (H4, 929, 36_484)
    assert one.weight / 2 < four.weight < four.own_weight
    assert list(evidence.left_out) == [D1]
    for record in evidence.records:
        assert len(record.files) == 8
        assert max(file.last_ms for file in record.files) < datetime(2023, 1, 1, tzinfo=UTC).timestamp() * 1000


def test_several_markets_are_checked_together_too() -> None:
    evidence = build_evidence([market(planted(0.4))], NOW)
    markets = [market(planted(0.4, seed=seed), symbol) for seed, symbol in ((4, "BTCUSDT"), (5, "ETHUSDT"))]
    one, other, both = check_markets(evidence, markets, FREE)
    assert (one.market, other.market, both.market) == ("BTCUSDT 1h", "ETHUSDT 1h", "2 markets 1h")
    assert one == check_market(evidence, markets[0], FREE)
    assert both.plans == one.plans + other.plans
    # There are plans, so there are means.
    assert both.gross_r.mean == pytest.approx((one.gross_r.mean + other.gross_r.mean) / 2, abs=0.01)  # type: ignore[operator]
    assert [year.year for year in both.years] == [2020, 2021, 2022]
    assert sum(year.gross_r.cases for year in both.years) == both.plans
    stated = [part.stated for part in both.reliability]
    assert (len(stated), stated) == (10, sorted(stated))
    # There are plans, so there are means.
    assert all(abs(part.came.mean - part.stated) < 0.05 for part in both.reliability)  # type: ignore[operator]
    assert sum(group.came_r.cases for group in both.deciles) == both.plans
