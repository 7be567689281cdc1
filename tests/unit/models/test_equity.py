"""Backtests: filled a candle later, costs for every change, and the figures of a trade computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model_settings import ServingSettings
from domain.errors import InsufficientData
from domain.trading.costs import Costs
from domain.trading.performance import max_drawdown
from models.evaluation.equity import Backtest, backtest, positions
from tests.fixtures.histories import START_MS
from tests.fixtures.settings import configured

HOUR_MS = 3_600_000
FREE, PAID = Costs(fee_bps=0, slippage_bps=0), Costs(fee_bps=7, slippage_bps=3)
SERVING = configured(ServingSettings, long_probability=0.6, short_probability=0.4)
LONG, SHORT, FLAT = 0.7, 0.3, 0.5


def times(count: int) -> np.ndarray:
    return START_MS + HOUR_MS * np.arange(count)


def run(probability: list[float], opens: list[float], costs: Costs = FREE) -> Backtest:
    return backtest(np.array(probability), np.array(opens), times(len(opens)), costs, SERVING)


def test_a_signal_earns_what_the_candle_after_it_does() -> None:
    # Long at the close of candle 0: bought at 110, sold at 121. That candle 0 itself rose is not earned.
    result = run([LONG, FLAT, FLAT, FLAT], [100.0, 110.0, 121.0, 60.0])
    assert result.equity == pytest.approx([1.0, 1.1, 1.1])
    assert result.performance.total_return == pytest.approx(0.1)
    assert (result.performance.trades, result.performance.hit_rate) == (1, 1.0)
    assert result.performance.exposure == 0.5
    assert result.times_ms[0] == START_MS + HOUR_MS


def test_the_newest_signals_cannot_be_filled_and_earn_nothing() -> None:
    assert run([FLAT, FLAT, LONG, LONG], [1.0, 1.0, 2.0, 4.0]).performance.trades == 0


def test_every_change_of_position_is_paid() -> None:
    # Long for two candles, then short for one: in, round, out.
    result = run([LONG, LONG, SHORT, FLAT, FLAT], [100.0, 100.0, 110.0, 121.0, 100.0], PAID)
    kept = 0.999
    long, short = kept * 1.21 * kept, kept * (1.0 - (100.0 / 121.0 - 1.0)) * kept
    performance = result.performance
    assert (performance.trades, performance.turnover) == (2, 4.0)
    assert result.equity[-1] == pytest.approx(long * short)
    assert performance.gross_return == pytest.approx(1.21 * (2.0 - 100.0 / 121.0) - 1.0)
    assert performance.buy_and_hold_return == pytest.approx(kept * kept - 1.0)


def test_losing_trades_lower_the_figures() -> None:
    result = run([LONG, SHORT, FLAT, LONG, FLAT, FLAT], [100.0, 100.0, 110.0, 121.0, 100.0, 90.0])
    # +10 %, then -10 % short of a rise, flat, then -10 % long of a fall.
    performance = result.performance
    assert performance.trades == 3
    assert performance.hit_rate == pytest.approx(1 / 3)
    assert performance.profit_factor == pytest.approx(0.1 / 0.2)
    assert performance.max_drawdown == pytest.approx(1.0 - 0.9 * 0.9)
    returns = np.array([0.1, -0.1, 0.0, -0.1])
    assert performance.sharpe_ratio == pytest.approx(returns.mean() / returns.std() * np.sqrt(365.25 * 24))


def test_without_a_position_return_is_zero_and_ratios_are_none() -> None:
    performance = run([FLAT, np.nan, np.nan, FLAT], [1.0, 2.0, 3.0, 4.0], PAID).performance
    assert (performance.total_return, performance.trades, performance.exposure) == (0.0, 0, 0.0)
    assert performance.hit_rate is performance.profit_factor is performance.sharpe_ratio is None


def test_a_short_position_can_lose_everything_and_no_more() -> None:
    result = run([SHORT, LONG, FLAT, FLAT], [1.0, 1.0, 3.0, 4.0])
    assert result.equity.tolist() == [1.0, 0.0, 0.0]
    assert result.performance.max_drawdown == 1.0


def test_positions_follow_the_thresholds() -> None:
    assert positions(np.array([0.6, 0.599, 0.401, 0.4, np.nan]), SERVING).tolist() == [1, 0, 0, -1, 0]


def test_drawdown_is_measured_from_the_high_before() -> None:
    assert max_drawdown(np.array([1.0, 2.0, 1.5, 3.0, 2.4])) == pytest.approx(0.25)


def test_two_candles_are_too_few() -> None:
    with pytest.raises(InsufficientData, match="3 candles or more, received 2"):
        run([LONG, LONG], [1.0, 2.0])


signals = st.sampled_from((LONG, SHORT, FLAT))


@given(st.lists(st.tuples(signals, st.floats(0.9, 1.1)), min_size=3, max_size=80), st.floats(0.0, 50.0))
def test_costs_lower_returns_and_never_gross_returns(rows: list[tuple[float, float]], fee_bps: float) -> None:
    probability, changes = np.array(rows).T
    opens, costs = 100.0 * np.cumprod(changes), Costs(fee_bps=fee_bps, slippage_bps=0.0)
    free, paid = (backtest(probability, opens, times(len(opens)), charged, SERVING) for charged in (FREE, costs))
    np.testing.assert_allclose(paid.gross_equity, free.equity, rtol=1e-12)
    expected = free.equity[-1] * (1.0 - costs.fraction) ** paid.performance.turnover
    assert paid.equity[-1] == pytest.approx(expected, rel=1e-9)
    assert paid.performance.trades <= paid.performance.turnover
