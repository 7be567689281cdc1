"""The result of a backtest as JSON-like values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backtesting.figures.account import DailyReturns, account_figures, yearly_returns
from backtesting.figures.chance import RandomEntries
from backtesting.figures.overfitting import deflated_sharpe
from backtesting.figures.trade_groups import (
    TradeFigures,
    by_confidence,
    by_ground,
    by_side,
    by_symbol,
    by_timeframe,
    by_year,
    trade_figures,
    turnover,
)
from backtesting.trades import EquityCurve
from backtesting.trading.orders import Simulation, TradedMarket
from backtesting.trials.registry import Trial, TrialCount
from domain.arrays import FloatArray
from domain.naming.leaders import leader_of
from domain.trading.performance import max_drawdown
from domain.values import Signal, utc_time
from services.backtests.markets import BacktestMarket
from services.backtests.parameters import BacktestParameters

# Enough for a picture, and small beside the candles.
CURVE_POINTS = 300


@dataclass(frozen=True)
class Tested:
    """What was traded, and the result.

    Attributes:
        judgements: Number of moments at which the lane could speak.
        hold: Value of 1 invested in the markets, at the moments of the curve.
        capital: Of the account at the begin, quote currency.
        seed: Of the random entries.
    """

    markets: Sequence[TradedMarket]
    judgements: int
    simulation: Simulation
    hold: FloatArray
    chance: RandomEntries
    capital: float
    seed: int

    @property
    def around_the_clock(self) -> bool:
        """Whether one of the markets never closes."""
        return any(market.series.sessions.continuous for market in self.markets)


def data_card(markets: Sequence[BacktestMarket], parameters: BacktestParameters) -> dict[str, Any]:
    """Return what identifies the candles of a run: range, number and digest of each series, and the tested time."""
    series = [
        (market.symbol, series)
        for market in markets
        for series in (*market.past.series.values(), *([market.finer] if market.finer else []))
    ]
    traded = {market.symbol for market in markets}
    led = ((leader_of(market.symbol), market.leader) for market in markets)
    leaders = {name: candles for name, candles in led if name and name not in traded and candles}
    series += leaders.items()
    return {
        "since": _time(parameters.since_ms),
        "until": _time(parameters.until_ms),
        "series": [
            {
                "symbol": symbol,
                "timeframe": candles.timeframe.value,
                "candles": len(candles),
                "first": _time(int(candles.times_ms[0])),
                "last": _time(candles.last_open_ms),
                "digest": candles.digest.hex(),
            }
            for symbol, candles in series
            if len(candles)
        ],
    }


def run_card(
    chosen: Mapping[str, Any], trial: Trial, count: TrialCount, data: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """Return the card of a run, not yet signed.

    Args:
        chosen: The settings of the run.
        trial: What was recorded.
        count: What is known of all trials.
        data: Of `data_card`.
        seed: Of all that is random.
    """
    return {
        "version": trial.version,
        "at": trial.at.isoformat(),
        "trial": count.number,
        "unreadable_trials": count.damaged,
        "settings": dict(chosen),
        "settings_hash": trial.settings,
        "data": dict(data),
        "data_hash": trial.data,
        "random_seed": seed,
    }


def figures_document(tested: Tested, lane: str, returns: DailyReturns, count: TrialCount) -> dict[str, Any]:
    """Return the figures of what was traded; the keys are described in docs/backtesting.md.

    Args:
        tested: What was traded.
        lane: Who judged.
        returns: Daily returns of the account.
        count: What is known of all trials.
    """
    trades, curve, chance = tested.simulation.trades, tested.simulation.curve, tested.chance
    account = account_figures(curve, returns)
    whole = trade_figures(trades)
    candles = sum(len(market.series) - 1 for market in tested.markets)
    longs = sum(call.side is Signal.LONG for market in tested.markets for call in market.calls)
    calls = sum(len(market.calls) for market in tested.markets)
    yearly = yearly_returns(curve)
    figures_by_year = by_year(trades)
    return {
        "symbols": [market.symbol for market in tested.markets],
        "timeframe": tested.markets[0].series.timeframe.value,
        "lane": lane,
        "start": _time(int(curve.times_ms[0])),
        "end": _time(int(curve.times_ms[-1])),
        **account.model_dump(),
        "win_rate": whole.win_rate,
        "expectancy": whole.expectancy,
        "expectancy_low": whole.expectancy_low,
        "expectancy_high": whole.expectancy_high,
        "profit_factor": whole.profit_factor,
        "turnover": turnover(trades, curve.equity),
        "exposure": sum(trade.candles for trade in trades) / candles,
        "trades": len(trades),
        "costs": whole.costs,
        "gross_bps": whole.gross_bps,
        "net_bps": whole.net_bps,
        "capital": tested.capital,
        "final_equity": float(curve.equity[-1]),
        "judgements": {"total": tested.judgements, "long": longs, "short": calls - longs},
        "buy_and_hold": float(tested.hold[-1] - 1.0),
        "buy_and_hold_max_drawdown": max_drawdown(tested.hold),
        "random_entry": chance.model_dump(),
        "deflated_sharpe": deflated_sharpe(returns.values, count.trials, count.deviation_over(max(1, account.days))),
        "trials": count.trials,
        "trials_same_candles": count.same_candles,
        "by_side": _plain(by_side(trades)),
        "by_timeframe": _plain(by_timeframe(trades)),
        "by_symbol": _plain(by_symbol(trades)),
        "by_year": {
            year: {"total_return": total, **figures_by_year.get(year, trade_figures(())).model_dump()}
            for year, total in yearly.items()
        },
        "by_confidence": _plain(by_confidence(trades)),
        "by_ground": _plain(by_ground(trades)),
        "curve": _curve(curve, tested.hold),
    }


def _curve(curve: EquityCurve, hold: FloatArray) -> dict[str, Any]:
    """Return the account at evenly spread candles, the first and the last among them, as multiples of its begin."""
    at = np.unique(np.linspace(0, len(curve.times_ms) - 1, CURVE_POINTS).round().astype(np.int64))
    return {
        "times": curve.times_ms[at].tolist(),
        "equity": (curve.equity[at] / curve.equity[0]).tolist(),
        "gross_equity": (curve.gross_equity[at] / curve.gross_equity[0]).tolist(),
        "buy_and_hold": hold[at].tolist(),
    }


def _plain(groups: Mapping[str, TradeFigures]) -> dict[str, Any]:
    return {name: figures.model_dump() for name, figures in groups.items()}


def _time(time_ms: int | None) -> str | None:
    return None if time_ms is None else utc_time(time_ms).isoformat()
