"""Trade a case by backtesting.py; run by the Python of its own environment, never imported by the project.

Reads one case as JSON from stdin and writes equity and trades as JSON to stdout. Fills, exits, costs and equity are
those of backtesting.py. It has no time limit and no plan that is void, so the strategy adds these two.
"""
# mypy: ignore-errors
# The project has a package of the same name.

import json
import sys
import warnings

import pandas as pd
from backtesting.lib import FractionalBacktest

from backtesting import Strategy

# The smallest quantity, in base currency: it trades whole ones.
UNIT = 1e-8


class Calls(Strategy):
    """Acts on calls at the close of their candle."""

    case = None

    def init(self):
        self.calls = {call["position"]: call for call in self.case["calls"]}
        self.opens = [row[1] for row in self.case["candles"]]
        self.last_candle = None

    def next(self):
        candle = len(self.data) - 1
        self.end_by_time(candle)
        call = self.calls.get(candle)
        if call is None or candle + 1 == len(self.opens):
            return
        if self.trades:
            if self.trades[0].size * call["side"] > 0:
                return
            self.trades[0].close()
        if call["side"] * call["stop"] < call["side"] * self.opens[candle + 1] < call["side"] * call["target"]:
            if call["quantity"] is None:
                raise SystemExit(f"backtesting.py enters at candle {candle + 1}, the service does not")
            self.last_candle = candle + call["horizon_candles"]
            size = call["side"] * round(call["quantity"] / UNIT)
            (self.buy if size > 0 else self.sell)(size=abs(size), sl=call["stop"] * UNIT, tp=call["target"] * UNIT)

    def end_by_time(self, candle):
        """Close at the close of the last candle of a position, and of the data, with the costs of their broker."""
        if self.trades and candle in (self.last_candle, len(self.opens) - 1):
            self._broker._close_trade(self.trades[0], self._broker.last_price, candle)
            self._broker._equity[candle] = self._broker.equity


def main():
    case = json.load(sys.stdin)
    rows = pd.DataFrame(case["candles"], columns=["Time", "Open", "High", "Low", "Close"])
    data = rows.set_index(pd.to_datetime(rows.pop("Time"), unit="ms")).assign(Volume=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        backtest = FractionalBacktest(
            data, Calls, cash=case["capital"], commission=case["cost_share"], margin=0.1, fractional_unit=UNIT
        )
        stats = backtest.run(case=case)
    trades = stats["_trades"]
    columns = ["EntryBar", "ExitBar", "EntryPrice", "ExitPrice", "Size"]
    json.dump(
        {"equity": stats["_equity_curve"]["Equity"].tolist(), "trades": trades[columns].to_numpy().tolist()}, sys.stdout
    )


if __name__ == "__main__":
    main()
