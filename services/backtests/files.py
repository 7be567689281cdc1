"""Pictures of a backtest, and its trades as a table."""

from __future__ import annotations

import csv
from pathlib import Path

from domain.errors import InvalidRequest
from domain.trading.costs import MarketCosts
from domain.values import utc_time
from services.backtests.run import BacktestResult

TRADE_COLUMNS = (
    *("symbol", "timeframe", "side", "opened", "closed", "entry", "exit", "candles", "quantity", "risk"),
    *("gross_profit", "costs", "profit", "gross_r", "net_r", "end", "confidence", "ground"),
)


def write_files(folder: Path, result: BacktestResult) -> list[Path]:
    """Write equity.png, drawdown.png and trades.csv, and return their paths.

    Raises:
        InvalidRequest: the folder cannot be written to.
    """
    paths = [folder / name for name in ("equity.png", "drawdown.png", "trades.csv")]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _draw(paths[0], paths[1], result)
        _write_trades(paths[2], result)
    except OSError as error:
        raise InvalidRequest(f"{folder} cannot be written to: {error.strerror or error}") from error
    return paths


def _draw(equity: Path, drawdown: Path, result: BacktestResult) -> None:
    from models.evaluation.plots import FREE, MODEL, REFERENCE, ValueLine, write_drawdown, write_values

    document, curve = result.document, result.simulation.curve
    hold = ValueLine(result.hold, REFERENCE, f"buy and hold {document['buy_and_hold']:+.1%}")
    gross = ValueLine(curve.gross_equity / curve.gross_equity[0], FREE, f"before costs {document['gross_return']:+.1%}")
    net = ValueLine(curve.equity / curve.equity[0], MODEL, f"after costs {document['total_return']:+.1%}")
    days = [f"{utc_time(int(time)):%Y-%m-%d}" for time in (curve.times_ms[0], curve.times_ms[-1])]
    symbols = document["symbols"]
    markets = ", ".join(symbols) if len(symbols) <= 4 else f"{len(symbols)} markets"
    paid = MarketCosts.model_validate(document["run"]["settings"]["costs"])
    sides = {f"{costs.fee_bps:g} bps fee and {costs.slippage_bps:g} bps slippage" for costs in map(paid.of, symbols)}
    title = (
        f"{document['lane']}, {markets} {document['timeframe']}, {days[0]} to {days[1]}\n"
        f"{document['trades']:,} trades, a position in {document['exposure']:.0%} of the candles, "
        f"{' or '.join(sorted(sides))} a side"
    )
    write_values(equity, curve.times_ms, (hold, gross, net), title)
    falls = (
        ValueLine(result.hold, REFERENCE, f"buy and hold, at most {document['buy_and_hold_max_drawdown']:.1%}"),
        ValueLine(net.values, MODEL, f"after costs, at most {document['max_drawdown']:.1%}"),
    )
    write_drawdown(drawdown, curve.times_ms, falls, title)


def _write_trades(path: Path, result: BacktestResult) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(TRADE_COLUMNS)
        for trade in result.simulation.trades:
            opened, closed = (utc_time(time).isoformat() for time in (trade.opened_ms, trade.closed_ms))
            values = [getattr(trade, name, None) for name in TRADE_COLUMNS]
            values[TRADE_COLUMNS.index("opened")], values[TRADE_COLUMNS.index("closed")] = opened, closed
            writer.writerow([f"{value:.10g}" if isinstance(value, float) else value for value in values])
