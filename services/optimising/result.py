"""The result of a search as JSON-like values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backtesting.figures.account import DailyReturns, account_figures
from backtesting.figures.overfitting import BLOCKS, Overfitting, overfitting
from backtesting.figures.trade_groups import trade_figures
from backtesting.search.searched_markets import Played, SearchedTime
from backtesting.search.space import shown
from backtesting.search.studies import Tried, best_of
from backtesting.search.walk_forward import SearchFold, SearchPlan
from domain.values import utc_time
from services.optimising.verdict import MAX_CHANCE, MAX_OVERFITTING, judge, sharpe_gain


@dataclass(frozen=True)
class Optimised:
    """The result of a search.

    Attributes:
        plan: What was searched.
        folds: What was chosen before each fold.
        tried: The trials over all the time, from which the found settings are chosen.
        found: All folds, each by what was chosen before it.
        present: The same time by the present settings.
    """

    plan: SearchPlan
    folds: Sequence[SearchFold]
    tried: Sequence[Tried]
    found: Played
    present: Played


def optimised_document(done: Optimised, outside: dict[str, Any]) -> dict[str, Any]:
    """Return the result without its run card; its keys are described in docs/optimising.md.

    Args:
        done: What was searched.
        outside: Figures of `done.found`, as those of a backtest.
    """
    plan, best = done.plan, best_of(done.tried)
    gain = sharpe_gain(done.found.returns, done.present.returns, plan.seed)
    luck = luck_of(done.tried)
    verdict = judge(done.found.returns, done.present.returns, gain, luck)
    return {
        "symbols": outside["symbols"],
        "timeframe": outside["timeframe"],
        "lane": outside["lane"],
        **_time(plan.whole),
        "verdict": {
            "use": verdict.use,
            "words": verdict.words,
            "max_chance": MAX_CHANCE,
            "max_overfitting": MAX_OVERFITTING,
        },
        "settings": _settings(plan, best),
        "in_sample": _mean([fold.chosen for fold in done.folds]),
        "out_of_sample": outside,
        "present": _played(done.present),
        "gain": gain.model_dump(),
        "overfitting": luck and luck.model_dump(),
        "deflated_sharpe": outside["deflated_sharpe"],
        "trials": outside["trials"],
        "trials_same_candles": outside["trials_same_candles"],
        "folds": [_fold(fold, plan) for fold in done.folds],
        "tried": [
            {"settings": shown(one.settings, plan.space), "chosen": one is best, "counts": one.counts, **_figures(one)}
            for one in done.tried
        ],
    }


def luck_of(tried: Sequence[Tried]) -> Overfitting | None:
    """Return how far the best of some trials was a choice of luck; None for fewer than two that could be chosen."""
    # Settings that were tried twice count once.
    different = {one.settings: one.returns.values for one in tried if one.counts}
    if len(different) < 2 or len(tried[0].returns.values) < 2 * BLOCKS:
        return None
    return overfitting(np.column_stack(list(different.values())))


def _settings(plan: SearchPlan, best: Tried) -> list[dict[str, Any]]:
    present, found = shown(plan.present, plan.space), shown(best.settings, plan.space)
    return [
        {
            "name": one.name,
            "present": present[one.name],
            "found": found[one.name],
            "low": one.low,
            "high": one.high,
            "setting": one.home,
        }
        for one in plan.space
    ]


def _fold(fold: SearchFold, plan: SearchPlan) -> dict[str, Any]:
    return {
        **_time(fold.span),
        "training": _time(fold.training),
        "settings": shown(fold.chosen.settings, plan.space),
        "in_sample": _figures(fold.chosen),
        "out_of_sample": _figures(fold.found),
        "present": _figures(fold.present),
    }


def _figures(tried: Tried) -> dict[str, Any]:
    trades = tried.trades
    return {
        "sharpe_ratio": _annual(tried.returns),
        "trades": trades.trades,
        "win_rate": trades.win_rate,
        "expectancy": trades.expectancy,
        "net_bps": trades.net_bps,
    }


def _mean(tried: Sequence[Tried]) -> dict[str, Any]:
    """Return the means over the folds, of those in which a figure is defined."""
    rows = [_figures(one) for one in tried]
    known = {name: [row[name] for row in rows if row[name] is not None] for name in rows[0]}
    return {name: float(np.mean(values)) if values else None for name, values in known.items()}


def _played(played: Played) -> dict[str, Any]:
    trades = trade_figures(played.simulation.trades)
    return {**account_figures(played.simulation.curve, played.returns).model_dump(), **trades.model_dump()}


def _annual(returns: DailyReturns) -> float | None:
    return None if returns.sharpe is None else returns.sharpe * math.sqrt(returns.per_year)


def _time(span: SearchedTime) -> dict[str, str]:
    return {"start": utc_time(span.begin_ms).isoformat(), "end": utc_time(span.end_ms).isoformat()}
