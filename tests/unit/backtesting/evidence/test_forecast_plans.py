"""The plans of a model's side: a planted edge is found, chance is told from it, and nothing ahead is read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backtesting.evidence.curve import PRIOR_DEVIATION
from backtesting.evidence.forecasts import measure_forecasts, plans_of
from backtesting.evidence.measuring import EVERY
from domain.forecasting import PastForecasts
from domain.market import CandleSeries
from domain.trading.costs import Costs
from domain.values import Signal
from features.indicators.ranges import average_true_ranges
from rules.forecast_plans import support_of, weigh_forecast
from rules.plans import HORIZON_CANDLES, make_plan
from tests.fixtures.planted_market import trending_market

PERIOD = 14
COUNT = 12_000
COSTS = Costs(fee_bps=5, slippage_bps=1)


def past(drift: float, seed: int = 1, count: int = COUNT, known: float = 0.8, surest: float = 0.2) -> PastForecasts:
    """Return forecasts that lean to the side of the trend in a share of the moments, at most `surest` off 0.5."""
    series, sides = trending_market(count, drift, seed)
    rng = np.random.default_rng(seed)
    leaning = np.where(rng.random(count) < known, sides, -sides)
    return PastForecasts("BTCUSDT", series, np.arange(count), 0.5 + leaning * rng.uniform(0, surest, count))


def test_a_model_whose_side_reaches_targets_first_is_worth_its_plans() -> None:
    record = measure_forecasts([past(0.2)], PERIOD)
    assert record.weight > 3 * record.error
    assert record.above_random_r.low is not None
    assert record.above_random_r.low > 0
    assert record.base_rate is not None
    assert record.target_first.mean is not None
    assert record.target_first.mean > record.base_rate + 0.1
    sure, unsure = (weigh_forecast(record, "BTCUSDT", said, 100.0, 1.0, COSTS) for said in (0.6, 0.52))
    assert sure is not None
    assert unsure is not None
    assert (sure.verdict, sure.plans) == ("positive", record.plans)
    assert sure.expected_r > unsure.expected_r
    # What is stated came: among the moments at which the model was as sure as it can be.
    said = past(0.2)
    plans = plans_of(said, PERIOD)
    came = float(plans.wins[plans.support == 1].mean())
    assert sure.target_first == pytest.approx(came, abs=0.06)


def test_a_model_that_leans_to_the_wrong_side_is_inverted() -> None:
    record = measure_forecasts([past(0.2, known=0.2)], PERIOD)
    assert record.weight < -3 * record.error
    weighed = weigh_forecast(record, "BTCUSDT", 0.6, 100.0, 1.0, COSTS)
    assert weighed is not None
    assert weighed.verdict == "inverted"


def test_in_random_walks_nothing_is_told_and_costs_are_lost() -> None:
    records = [measure_forecasts([past(0.0, seed)], PERIOD) for seed in range(20)]
    weighed = [weigh_forecast(record, "BTCUSDT", 0.6, 100.0, 1.0, COSTS) for record in records]
    # One interval in twenty misses the truth.
    assert sum(plan is not None and plan.verdict == "none" for plan in weighed) >= 17
    assert all(abs(record.weight) < 4 * record.error for record in records)
    worth = [plan.expected_r for plan in weighed if plan]
    assert np.mean(worth) == pytest.approx(-COSTS.round_trip_bps / 300, abs=0.03)


def test_a_few_weeks_are_no_evidence_and_have_no_intervals() -> None:
    record = measure_forecasts([past(0.3, count=900)], PERIOD)
    assert (record.weight, record.error, record.plans) == (0.0, PRIOR_DEVIATION, 0)
    assert record.samples > 0
    assert record.target_first.mean is not None
    assert (record.target_first.low, record.above_random_r.high) == (None, None)
    weighed = weigh_forecast(record, "BTCUSDT", 0.6, 100.0, 1.0, COSTS)
    assert weighed is not None
    assert (weighed.verdict, weighed.target_first) == ("insufficient", 0.3333)
    assert weighed.low < 0 < weighed.high
    nothing = measure_forecasts([past(0.3, count=HORIZON_CANDLES)], PERIOD)
    assert (nothing.samples, nothing.base_rate, nothing.expected_r.mean) == (0, None, None)


def test_plans_are_those_that_the_rules_make_of_both_sides_at_every_fourth_candle() -> None:
    said = past(0.2, count=1_000)
    plans, ranges = plans_of(said, PERIOD), average_true_ranges(said.series, PERIOD)
    assert plans.sides.reshape(-1, 2).tolist() == [[1, -1]] * (len(plans) // 2)
    positions = np.searchsorted(said.series.closes_ms, plans.times_ms)
    assert set(np.diff(positions[::2])) == {EVERY}
    for at in (0, 1, 100, 101):
        position = int(positions[at])
        signal = Signal.LONG if plans.sides[at] > 0 else Signal.SHORT
        plan = make_plan(signal, float(said.series.closes[position]), float(ranges[position]))
        assert plans.risk_bps[at] == pytest.approx(plan.risk_bps)
        assert plans.support[at] == pytest.approx(signal.side * support_of(said.probability[position]))


def test_a_plan_reads_its_own_future_and_no_other() -> None:
    said = past(0.2, count=1_500)
    cut = 1_000
    early = PastForecasts(said.symbol, said.series.part(0, cut), said.positions[:cut], said.probability[:cut])
    whole, part = plans_of(said, PERIOD), plans_of(early, PERIOD)
    # The last plan has its whole time limit, and no candle after the cut changes what is known before it.
    assert part.times_ms[-1] == said.series.closes_ms[cut - HORIZON_CANDLES - EVERY]
    assert len(whole) > len(part)
    same = whole.where(np.isin(whole.times_ms, part.times_ms))
    for name in ("times_ms", "support", "r", "bps", "risk_bps", "reached"):
        np.testing.assert_allclose(getattr(same, name), getattr(part, name), rtol=1e-9)


def test_the_direction_of_the_market_teaches_nothing() -> None:
    said = past(0.2)
    values = said.series.values[:, [0, 2, 1, 3, 4]].copy()
    values[:, :4] = 1e4 / values[:, :4]
    upside_down = CandleSeries.of_arrays(said.series.timeframe, said.series.times_ms, values, said.series.sessions)
    mirrored = replace(said, series=upside_down, probability=1 - said.probability)
    one, other = measure_forecasts([said], PERIOD), measure_forecasts([mirrored], PERIOD)
    assert one.weight == pytest.approx(other.weight, abs=0.1)
    bull = replace(said, probability=np.full(COUNT, 0.5))
    assert measure_forecasts([bull], PERIOD).weight == 0.0


def test_markets_are_pooled() -> None:
    parts = [past(0.2, 1, 5_000), replace(past(0.2, 2, 5_000), symbol="AAPL")]
    alone, pooled = measure_forecasts(parts[:1], PERIOD), measure_forecasts(parts, PERIOD)
    assert (alone.kinds, pooled.kinds) == (("crypto",), ("crypto", "share"))
    assert pooled.samples > 1.9 * alone.samples
    assert pooled.error < alone.error
