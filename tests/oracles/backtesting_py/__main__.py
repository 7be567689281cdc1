"""Hold trades and equity of the service against backtesting.py, on markets with many gaps: `make oracles`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from backtesting.trades import TradeEnd
from backtesting.trading.orders import Call, Simulation, Sizing, TradedMarket, TradingTerms
from backtesting.trading.simulation import simulate
from domain.market import CandleSeries, Timeframe
from domain.trading.costs import MarketCosts
from domain.values import Signal

CANDLES, CALLS, CAPITAL = 3_000, 250, 10_000.0
START_MS = 1_577_836_800_000
SIZINGS = (Sizing("fixed", 0.5), Sizing("recommended", 1.0), Sizing("risk", 0.01))
CENT = 0.01


@dataclass(frozen=True)
class Case:
    """A market with calls, and the terms on which they are traded."""

    market: TradedMarket
    terms: TradingTerms

    @property
    def name(self) -> str:
        """For the table."""
        return f"{self.terms.sizing.kind:<11} {self.terms.costs.fee_bps:>4.0f} bps a side"


def make_case(seed: int, sizing: Sizing, cost_bps: float) -> Case:
    """Return a random market, one open in five of which jumps, and calls with stops and targets around the close."""
    random = np.random.default_rng(seed)
    jumps = np.where(random.random(CANDLES) < 0.2, random.normal(0, 0.01, CANDLES), 0.0)
    moves = random.normal(0, 0.006, CANDLES)
    closes = 20_000 * np.exp(np.cumsum(jumps + moves))
    opens = closes / np.exp(moves)
    highs = np.maximum(opens, closes) * (1 + np.abs(random.normal(0, 0.003, CANDLES)))
    lows = np.minimum(opens, closes) * (1 - np.abs(random.normal(0, 0.003, CANDLES)))
    times_ms = START_MS + np.arange(CANDLES, dtype=np.int64) * Timeframe.H1.ms
    values = np.column_stack([opens, highs, lows, closes, np.ones(CANDLES)])
    series = CandleSeries.of_arrays(Timeframe.H1, times_ms, values)
    calls = []
    # Its strategies are asked from the second candle on.
    for position in sorted(random.choice(np.arange(1, CANDLES), CALLS, replace=False).tolist()):
        side = Signal.LONG if random.random() < 0.5 else Signal.SHORT
        risk = float(closes[position] * random.uniform(0.01, 0.04))
        stop, target = closes[position] - side.side * risk, closes[position] + side.side * risk * random.uniform(1, 3)
        horizon, size = int(random.integers(1, 60)), float(random.uniform(0.05, 0.5))
        calls.append(Call(position, side, float(stop), float(target), horizon, size, 0.5, "random"))
    costs = MarketCosts(fee_bps=cost_bps, slippage_bps=0)
    return Case(TradedMarket("BTCUSDT", series, calls), TradingTerms(costs, sizing, CAPITAL))


def traded_by_theirs(case: Case, ours: Simulation, python: Path) -> dict[str, Any]:
    """Return equity and trades by backtesting.py, with the quantities of the service."""
    series = case.market.series
    quantities = {trade.opened_ms: trade.quantity for trade in ours.trades}
    opens_ms = [*series.times_ms.tolist(), None]
    calls = [
        {
            "position": call.position,
            "side": call.side.side,
            "stop": call.stop,
            "target": call.target,
            "horizon_candles": call.horizon_candles,
            "quantity": quantities.get(opens_ms[call.position + 1]),
        }
        for call in case.market.calls
    ]
    told = {
        "candles": np.column_stack([series.times_ms, series.values[:, :4]]).tolist(),
        "calls": calls,
        "capital": case.terms.capital,
        "cost_share": case.terms.costs.of(case.market.symbol).fraction,
    }
    program = Path(__file__).with_name("theirs.py")
    done = subprocess.run([python, program], input=json.dumps(told), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def compare(case: Case, python: Path) -> bool:
    """Print one line of the table; return whether equity agrees to the cent, and trades in entry, exit and quantity."""
    ours = simulate([case.market], case.terms)
    theirs = traded_by_theirs(case, ours, python)
    times_ms = case.market.series.times_ms.tolist()
    entries = {time_ms: candle for candle, time_ms in enumerate(times_ms)}
    rows = [
        (entries[trade.opened_ms], trade.entry, trade.exit, trade.side.side * trade.quantity) for trade in ours.trades
    ]
    their_rows = [(entry, price, exit_price, size) for entry, _, price, exit_price, size in theirs["trades"]]
    same = len(rows) == len(their_rows) and np.allclose(sorted(rows), sorted(their_rows), rtol=1e-6, atol=1e-8)
    difference = float(np.abs(ours.curve.equity - np.array(theirs["equity"])).max())
    ends = Counter(trade.end for trade in ours.trades)
    counts = ", ".join(f"{ends[end]} {end}" for end in TradeEnd)
    opens = [*case.market.series.opens.tolist(), None]
    jumped = sum(
        trade.end in {TradeEnd.STOP, TradeEnd.TARGET} and trade.exit == opens[entries[trade.opened_ms] + trade.candles]
        for trade in ours.trades
    )
    print(f"{case.name}  {len(rows):>4} trades: {counts}; {jumped} jumped; equity off by at most {difference:.6f}")
    return same and difference < CENT


def main() -> int:
    """Compare all cases; return the exit status."""
    python = Path(sys.argv[1])
    cases = [
        make_case(seed, sizing, cost_bps)
        for seed, (sizing, cost_bps, _) in enumerate(product(SIZINGS, (0.0, 6.0), range(2)))
    ]
    agree = [compare(case, python) for case in cases]
    print(f"{sum(agree)} of {len(agree)} cases agree with backtesting.py")
    return 0 if all(agree) else 1


if __name__ == "__main__":
    sys.exit(main())
