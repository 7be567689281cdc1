"""A backtest as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

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
        facts(_headline(document, files)),
        facts(_account(document), "Account, after costs"),
    ]
    parts += [facts(_trades(document), "Trades"), facts(_chance(document), "Beside chance and other trials")]
    for heading, key in _GROUPS.items():
        groups = document[key]
        # A single group says what all trades say.
        if len(groups) > 1:
            parts.append(_group_table(heading, groups))
    return Group(*parts)


def _headline(told: Mapping[str, Any], files: Sequence[Path]) -> dict[str, str]:
    said = told["judgements"]
    return {
        "lane": told["lane"],
        "markets": f"{', '.join(told['symbols'])} {told['timeframe']}",
        "time": f"{day(told['start'])} to {day(told['end'])}",
        "judgements": f"{said['total']:,}: {said['long']:,} Long, {said['short']:,} Short",
        **({"files": ", ".join(map(str, files))} if files else {}),
    }


def _account(told: Mapping[str, Any]) -> dict[str, str]:
    return {
        "total return": f"{percent(told['total_return'])}, before costs {percent(told['gross_return'])}",
        "return a year": percent(told["cagr"]),
        "buy and hold": f"{percent(told['buy_and_hold'])}, deepest fall {told['buy_and_hold_max_drawdown']:.2%}",
        "deepest fall": f"{told['max_drawdown']:.2%}",
        "Sharpe ratio": f"{number(told['sharpe_ratio'])}, of {told['days']:,} daily returns, "
        f"{told['days_per_year']:.0f} a year",
        "Sortino ratio": number(told["sortino_ratio"]),
        "Calmar ratio": number(told["calmar_ratio"]),
        "exposure": f"{told['exposure']:.1%} of the candles, turnover {number(told['turnover'], 1)} times the equity",
    }


def _trades(told: Mapping[str, Any]) -> dict[str, str]:
    return {
        "trades": f"{told['trades']:,}",
        "win rate": "-" if told["win_rate"] is None else f"{told['win_rate']:.1%}",
        "expectancy": f"{number(told['expectancy'], 3)} R {interval(told)}".rstrip(),
        "profit factor": number(told["profit_factor"]),
        "mean result": f"{number(told['gross_bps'], 1)} bps before costs, {number(told['net_bps'], 1)} bps after",
        "costs paid": f"{told['costs']:,.2f} of a capital of {told['capital']:,.0f}",
    }


def _chance(told: Mapping[str, Any]) -> dict[str, str]:
    chance = told["random_entry"]
    compared = "no trades to compare"
    if chance["runs"]:
        compared = (
            f"{percent(chance['mean'])} in the mean of {chance['runs']:,} runs, "
            f"{percent(chance['low'])} to {percent(chance['high'])} in 95 % of them; p = {chance['p_value']:.3f}"
        )
    deflated, run = told["deflated_sharpe"], told["run"]
    tried = "1 trial" if told["trials"] == 1 else f"{told['trials']:,} trials"
    tried += f", {told['trials_same_candles']:,} on some of these candles"
    return {
        "random entries": compared,
        "deflated Sharpe": f"{number(deflated, 3)} after {tried}: probability of an edge that is no luck",
        "trial": f"{run['trial']}, settings {run['settings_hash'][:12]}, data {run['data_hash'][:12]}",
    }


def _group_table(heading: str, groups: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(heading, no_wrap=True)
    for name in ("trades", "win rate", "expectancy, R", "95 %", "profit factor", "net bps", "profit"):
        table.add_column(name, justify="right")
    for name, group in groups.items():
        table.add_row(
            name,
            f"{group['trades']:,}",
            "-" if group["win_rate"] is None else f"{group['win_rate']:.1%}",
            number(group["expectancy"], 3),
            interval(group),
            number(group["profit_factor"]),
            number(group["net_bps"], 1),
            f"{group['profit']:+,.2f}",
        )
    return table


def facts(named: Mapping[str, str], title: str | None = None) -> Table:
    """Return names and values without a frame."""
    table = Table(box=None, show_header=False, pad_edge=False, title=title, title_justify="left")
    for name, value in named.items():
        table.add_row(Text(name, "bold"), Text(value))
    return table


def interval(told: Mapping[str, Any]) -> str:
    """Return both ends of the expectancy's interval in brackets, or an empty text."""
    low, high = told["expectancy_low"], told["expectancy_high"]
    return "" if low is None else f"[{low:+.3f}, {high:+.3f}]"


def percent(value: float | None) -> str:
    """Return a signed percentage, or a dash for None."""
    return "-" if value is None else f"{value:+.2%}"


def number(value: float | None, decimals: int = 2) -> str:
    """Return a number with its decimals, or a dash for None."""
    return "-" if value is None else f"{value:,.{decimals}f}"


def day(time: str) -> str:
    """Return the date of an ISO time."""
    return time[:10]
