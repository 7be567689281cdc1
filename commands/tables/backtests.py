"""A backtest as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from commands.tables.figures import facts_table, formatted, headed_table

_GROUPS = {
    "side": "by_side",
    "timeframe": "by_timeframe",
    "symbol": "by_symbol",
    "year": "by_year",
    "confidence": "by_confidence",
    "ground": "by_ground",
}


def backtested(document: Mapping[str, Any], files: Sequence[Path]) -> Group:
    """Return the figures of a result, beside buy and hold and chance, and those of its groups of trades."""
    parts: list[RenderableType] = [
        facts_table(_headline(document, files)),
        facts_table(_account(document), "Account, after costs"),
        facts_table(_trades(document), "Trades"),
        facts_table(_chance(document), "Beside chance and other trials"),
    ]
    for heading, key in _GROUPS.items():
        groups = document[key]
        # A single group says what all trades say.
        if len(groups) > 1:
            parts.append(_group_table(heading, groups))
    return Group(*parts)


def _headline(result: Mapping[str, Any], files: Sequence[Path]) -> dict[str, str]:
    said = result["judgements"]
    return {
        "lane": result["lane"],
        "markets": f"{', '.join(result['symbols'])} {result['timeframe']}",
        "time": f"{day(result['start'])} to {day(result['end'])}",
        "judgements": f"{said['total']:,}: {said['long']:,} Long, {said['short']:,} Short",
        **({"files": ", ".join(map(str, files))} if files else {}),
    }


def _account(result: Mapping[str, Any]) -> dict[str, str]:
    return {
        "total return": f"{percent(result['total_return'])}, before costs {percent(result['gross_return'])}",
        "return a year": percent(result["cagr"]),
        "buy and hold": f"{percent(result['buy_and_hold'])}, deepest fall {result['buy_and_hold_max_drawdown']:.2%}",
        "deepest fall": f"{result['max_drawdown']:.2%}",
        "Sharpe ratio": f"{decimal(result['sharpe_ratio'])}, of {result['days']:,} daily returns, "
        f"{result['days_per_year']:.0f} a year",
        "Sortino ratio": decimal(result["sortino_ratio"]),
        "Calmar ratio": decimal(result["calmar_ratio"]),
        "exposure": f"{result['exposure']:.1%} of the candles, "
        f"turnover {decimal(result['turnover'], 1)} times the equity",
    }


def _trades(result: Mapping[str, Any]) -> dict[str, str]:
    return {
        "trades": f"{result['trades']:,}",
        "win rate": "-" if result["win_rate"] is None else f"{result['win_rate']:.1%}",
        "expectancy": f"{decimal(result['expectancy'], 3)} R {expectancy_ends(result)}".rstrip(),
        "profit factor": decimal(result["profit_factor"]),
        "mean result": f"{decimal(result['gross_bps'], 1)} bps before costs, {decimal(result['net_bps'], 1)} bps after",
        "costs paid": f"{result['costs']:,.2f} of a capital of {result['capital']:,.0f}",
    }


def _chance(result: Mapping[str, Any]) -> dict[str, str]:
    chance = result["random_entry"]
    compared = "no trades to compare"
    if chance["runs"]:
        compared = (
            f"{percent(chance['mean'])} in the mean of {chance['runs']:,} runs, "
            f"{percent(chance['low'])} to {percent(chance['high'])} in 95 % of them; p = {chance['p_value']:.3f}"
        )
    deflated, run = result["deflated_sharpe"], result["run"]
    tried = "1 trial" if result["trials"] == 1 else f"{result['trials']:,} trials"
    tried += f", {result['trials_same_candles']:,} on some of these candles"
    return {
        "random entries": compared,
        "deflated Sharpe": f"{decimal(deflated, 3)} after {tried}: probability of an edge that is no luck",
        "trial": f"{run['trial']}, settings {run['settings_hash'][:12]}, data {run['data_hash'][:12]}",
    }


def _group_table(heading: str, groups: Mapping[str, Mapping[str, Any]]) -> Table:
    figures = ("trades", "win rate", "expectancy, R", "95 %", "profit factor", "net bps", "profit")
    table = headed_table(heading, *figures)
    for name, group in groups.items():
        table.add_row(
            name,
            f"{group['trades']:,}",
            formatted(group["win_rate"], ".1%"),
            decimal(group["expectancy"], 3),
            expectancy_ends(group),
            decimal(group["profit_factor"]),
            decimal(group["net_bps"], 1),
            f"{group['profit']:+,.2f}",
        )
    return table


def expectancy_ends(result: Mapping[str, Any]) -> str:
    """Return both ends of the expectancy's interval in brackets, or an empty text."""
    low, high = result["expectancy_low"], result["expectancy_high"]
    return "" if low is None else f"[{low:+.3f}, {high:+.3f}]"


def percent(value: float | None) -> str:
    """Return a signed percentage, or a dash for None."""
    return formatted(value, "+.2%")


def decimal(value: float | None, decimals: int = 2) -> str:
    """Return a number with its decimals, or a dash for None."""
    return formatted(value, f",.{decimals}f")


def day(time: str) -> str:
    """Return the date of an ISO time."""
    return time[:10]
