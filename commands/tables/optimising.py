"""A search for better settings as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from commands.tables.backtests import day, decimal, expectancy_ends, percent
from commands.tables.figures import facts_table, headed_table
from services.optimising.verdict import p_value_words


def optimised(document: Mapping[str, Any], files: Sequence[Path]) -> Group:
    """Return the verdict, what it rests on, the folds and the settings."""
    return Group(
        facts_table(_headline(document, files)),
        facts_table(_outside(document), "Out of sample, all folds on one account"),
        facts_table(_luck(document), "Beside chance"),
        _folds(document["folds"]),
        _settings(document),
    )


def _headline(result: Mapping[str, Any], files: Sequence[Path]) -> dict[str, str]:
    run = result["run"]["settings"]
    return {
        "verdict": result["verdict"]["words"],
        "lane": result["lane"],
        "markets": f"{', '.join(result['symbols'])} {result['timeframe']}",
        "time": f"{day(result['start'])} to {day(result['end'])}, {run['folds']} folds, "
        f"{run['trials']} trials before each",
        **({"files": ", ".join(map(str, files))} if files else {}),
    }


def _outside(result: Mapping[str, Any]) -> dict[str, str]:
    inside, chosen, present = result["in_sample"], result["out_of_sample"], result["present"]
    return {
        "Sharpe ratio": f"{decimal(chosen['sharpe_ratio'])}; in sample {decimal(inside['sharpe_ratio'])}, present "
        f"settings {decimal(present['sharpe_ratio'])}",
        "expectancy": f"{decimal(chosen['expectancy'], 3)} R {expectancy_ends(chosen)}; in sample "
        f"{decimal(inside['expectancy'], 3)}, present settings {decimal(present['expectancy'], 3)}",
        "total return": f"{percent(chosen['total_return'])}; present settings {percent(present['total_return'])}, buy "
        f"and hold {percent(chosen['buy_and_hold'])}",
        "deepest fall": f"{chosen['max_drawdown']:.2%}; present settings {present['max_drawdown']:.2%}",
        "mean result": f"{decimal(chosen['net_bps'], 1)} bps after costs; present settings "
        f"{decimal(present['net_bps'], 1)}",
        "trades": f"{chosen['trades']:,}; present settings {present['trades']:,}",
    }


def _luck(result: Mapping[str, Any]) -> dict[str, str]:
    gain, luck, chance = result["gain"], result["overfitting"], result["out_of_sample"]["random_entry"]
    ends = "" if gain["low"] is None else f" [{gain['low']:+.2f}, {gain['high']:+.2f}]"
    overfit = "not known: too few trials have enough trades or days"
    if luck is not None:
        overfit = (
            f"{luck['probability']:.2f} by {luck['halvings']:,} halvings of {luck['settings']} settings, which lose in "
            f"{luck['loss_probability']:.0%} of them"
        )
    compared = "no trades to compare"
    if chance["runs"]:
        compared = f"{percent(chance['mean'])} in the mean of {chance['runs']:,} runs; p = {chance['p_value']:.3f}"
    return {
        "gain in Sharpe ratio": f"{gain['sharpe_ratio']:+.2f}{ends}; {p_value_words(gain['p_value'])}",
        "probability of overfitting": overfit,
        "random entries": compared,
        "deflated Sharpe": f"{decimal(result['deflated_sharpe'], 3)} after {result['trials']:,} trials, "
        f"{result['trials_same_candles']:,} of them on some of these candles",
    }


def _folds(folds: Sequence[Mapping[str, Any]]) -> Table:
    figures = ("trades", "Sharpe in sample", "out of sample", "present", "R in sample", "out of sample", "present")
    table = headed_table("fold", *figures)
    for fold in folds:
        three = [fold["in_sample"], fold["out_of_sample"], fold["present"]]
        table.add_row(
            f"{day(fold['start'])} to {day(fold['end'])}",
            f"{three[1]['trades']:,}",
            *(decimal(one["sharpe_ratio"]) for one in three),
            *(decimal(one["expectancy"], 3) for one in three),
        )
    return table


def _settings(result: Mapping[str, Any]) -> Table:
    before_folds = (f"before fold {at + 1}" for at in range(len(result["folds"])))
    table = headed_table("setting", "present", "found on all the time", *before_folds)
    table.add_column("where")
    for setting in result["settings"]:
        chosen = [
            setting["present"],
            setting["found"],
            *(fold["settings"][setting["name"]] for fold in result["folds"]),
        ]
        table.add_row(setting["name"], *(f"{value:g}" for value in chosen), Text(setting["setting"]))
    return table
