"""Random entries: as many, of the same sides, exits and exposure; only their moments are random."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backtesting.figures import chance
from backtesting.figures.chance import RandomEntries, random_entries
from backtesting.trading.account import Account
from backtesting.trading.orders import Call, Sizing, TradedMarket, TradingTerms
from backtesting.trading.simulation import simulate
from domain.arrays import FloatArray
from domain.market import CandleSeries, Timeframe
from domain.values import Signal
from features.kernels.candles import Candles
from features.kernels.volatility import average_true_range
from tests.fixtures.histories import simulated
from tests.fixtures.trading import call, terms

PERIOD = 14
TERMS = terms(fee_bps=5, slippage_bps=1, sizing=Sizing("fixed", 0.5))


def ranges_of(series: CandleSeries) -> FloatArray:
    known = average_true_range(Candles(series.values.T), PERIOD)
    return np.concatenate((np.full(len(series) - len(known), np.nan), known))


def market_with(series: CandleSeries, sides: dict[int, Signal], symbol: str = "BTCUSDT", **plan: Any) -> TradedMarket:
    """Return the market with a call at each position: the stop 2 ranges away, the target 4."""
    ranges, calls = ranges_of(series), []
    for position, signal in sorted(sides.items()):
        close, step = float(series.closes[position]), signal.side * float(ranges[position])
        calls.append(call(position, signal, close - 2 * step, close + 4 * step, **({"horizon_candles": 48} | plan)))
    return TradedMarket(symbol, series, calls)


def scattered(series: CandleSeries, seed: int, count: int) -> dict[int, Signal]:
    random = np.random.default_rng(seed)
    positions = random.choice(np.arange(PERIOD, len(series) - 1), count, replace=False)
    return {int(at): Signal.LONG if random.random() < 0.6 else Signal.SHORT for at in positions}


def compared(markets: list[TradedMarket], runs: int = 60, seed: int = 1, of: TradingTerms = TERMS) -> RandomEntries:
    ranges = [ranges_of(market.series) for market in markets]
    return random_entries(markets, ranges, simulate(markets, of), of, runs, seed, lambda share: None)


def test_runs_have_the_trades_and_the_exposure_of_the_real_entries() -> None:
    series = simulated(1, count=3000)
    market = market_with(series, scattered(series, 2, 120))
    trades = simulate([market], TERMS).trades
    found = compared([market])
    assert found.trades == pytest.approx(len(trades), abs=1.5)
    assert found.exposure == pytest.approx(sum(trade.candles for trade in trades) / 2999, rel=0.1)


@pytest.fixture
def entered(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """The calls that the runs enter."""
    calls: list[Call] = []

    class Watched(Account):
        def enter(self, market: int, call: Call) -> None:
            calls.append(call)
            super().enter(market, call)

    monkeypatch.setattr(chance, "Account", Watched)
    return calls


def test_random_plans_keep_side_size_time_limit_and_distances_in_ranges(entered: list[Call]) -> None:
    series = simulated(3, count=2000)
    market = market_with(series, scattered(series, 4, 60), size=0.17)
    trades = simulate([market], TERMS).trades
    compared([market], runs=1)
    ranges = ranges_of(series)
    assert len(entered) == pytest.approx(len(trades), abs=1)
    assert Counter(made.side for made in entered).keys() == {Signal.LONG, Signal.SHORT}
    real = {made.position for made in market.calls}
    assert len(real & {made.position for made in entered}) < len(entered) / 4
    for made in entered:
        close, range_ = float(series.closes[made.position]), float(ranges[made.position])
        assert (close - made.stop) / range_ == pytest.approx(2 * made.side.side)
        assert (made.target - close) / range_ == pytest.approx(4 * made.side.side)
        assert made.size == 0.17
        assert made.horizon_candles <= 48


def test_a_single_entry_is_compared_with_entries_all_over_the_time(entered: list[Call]) -> None:
    series = simulated(5, count=1000)
    compared([market_with(series, {100: Signal.LONG})])
    moments = [made.position for made in entered]
    assert len(set(moments)) > 40
    assert min(moments) < 250
    assert max(moments) > 750


def test_the_same_seed_gives_the_same_runs_and_another_one_others() -> None:
    series = simulated(5, count=1000)
    market = market_with(series, scattered(series, 6, 30))
    assert compared([market]) == compared([market])
    assert compared([market]).mean != compared([market], seed=2).mean


def test_entries_that_know_the_future_are_beyond_chance() -> None:
    series = simulated(7, count=3000)
    later = series.closes[24:] / series.closes[:-24] - 1
    best = [int(at) for at in np.argsort(later)[-60:] if at >= PERIOD]
    found = compared([market_with(series, dict.fromkeys(best, Signal.LONG))], runs=99)
    # Better than every one of 99 runs, and it counts as one more.
    assert found.p_value == pytest.approx(0.01)
    assert found.expectancy_p_value == pytest.approx(0.01)


def test_entries_by_chance_are_everywhere_among_random_ones() -> None:
    series = simulated(8, count=1500)
    values = [compared([market_with(series, scattered(series, 100 + k, 40))], runs=19).p_value for k in range(30)]
    assert 0.3 < np.mean([value for value in values if value is not None]) < 0.7
    assert min(value for value in values if value is not None) >= 0.05
    assert len(set(values)) > 8


def test_several_markets_share_the_account() -> None:
    btc, eth = simulated(9, count=1500), simulated(10, count=1500)
    markets = [
        market_with(btc, scattered(btc, 11, 40)),
        market_with(eth, scattered(eth, 12, 40), symbol="ETHUSDT"),
    ]
    trades = simulate(markets, TERMS).trades
    found = compared(markets)
    assert found.trades == pytest.approx(len(trades), rel=0.1)
    assert found.low is not None
    assert found.mean is not None
    assert found.high is not None
    assert found.low < found.mean < found.high


def test_trades_that_fill_all_of_the_time_still_fit() -> None:
    series = simulated(13, count=400)
    sides = {at: Signal.LONG if at % 2 else Signal.SHORT for at in range(PERIOD, 399)}
    market = market_with(series, sides)
    trades = simulate([market], TERMS).trades
    assert any(trade.end == "flip" for trade in trades)
    found = compared([market])
    assert found.trades is not None
    assert 0.8 * len(trades) < found.trades <= len(trades)


def test_a_trade_entered_where_nothing_moves_is_left_out() -> None:
    series = simulated(14, count=600)
    values = series.values.copy()
    values[:100, :4] = values[100, 0]
    halted = CandleSeries.of_arrays(series.timeframe, series.times_ms, values)
    price = float(halted.closes[60])
    recorded = call(60, Signal.LONG, 0.9 * price, 1.2 * price, horizon_candles=20)
    later = market_with(halted, dict.fromkeys(range(150, 590, 25), Signal.LONG), horizon_candles=5)
    market = replace(later, calls=[recorded, *later.calls])
    trades = simulate([market], TERMS).trades
    assert trades[0].opened_ms == halted.times_ms[61]
    found = compared([market])
    assert found.trades == pytest.approx(len(trades) - 1, abs=1)


def test_a_plan_that_fits_nowhere_does_not_end_the_others() -> None:
    wild = simulated(16, count=1000, volatility=0.02).values
    values = wild.copy()
    # At first calm: a target half the price away is beyond zero in the ranges of the later market.
    values[:200, :4] = wild[200, 0] * (wild[:200, :4] / wild[200, 0]) ** 0.01
    series = CandleSeries.of_arrays(Timeframe.H1, simulated(16, count=1000).times_ms, values)
    close = float(series.closes[100])
    far = call(100, Signal.SHORT, 1.3 * close, 0.5 * close, horizon_candles=5)
    usual = market_with(series, dict.fromkeys(range(300, 900, 20), Signal.LONG), horizon_candles=5)
    markets = [replace(usual, calls=[far, *usual.calls])]
    found = compared(markets)
    assert found.trades is not None
    assert found.trades >= 30


def test_without_trades_there_is_nothing_to_compare() -> None:
    found = compared([market_with(simulated(14, count=100), {})])
    assert (found.runs, found.mean, found.p_value, found.expectancy) == (0, None, None, None)
    assert not any(isinstance(value, float) and math.isnan(value) for value in found.model_dump().values())
