"""Walk-forward: settings are chosen on the time before a fold, and traded in the fold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from backtesting.search.searched_markets import SearchedMarkets, SearchedTime
from backtesting.search.space import Searched, SearchedSettings, longest_horizon, space_of
from backtesting.search.studies import Tried, best_of, search
from domain.errors import InsufficientData
from domain.hours.clocks import DAY_MS

# Returns of fewer days tell nothing of a Sharpe ratio, and cannot be halved in enough ways.
LEAST_DAYS = 40


@dataclass(frozen=True)
class SearchPlan:
    """What is searched, where and how long.

    Attributes:
        space: With time limits that leave entries in the time before the first fold.
        trainings: The time before each fold, without entries that might reach into it.
        folds: One after the other, to the end of the time.
        whole: All the time, for the last choice.
        present: Settings that count without a search.
        trials: Settings tried in each time.
    """

    space: tuple[Searched, ...]
    trainings: tuple[SearchedTime, ...]
    folds: tuple[SearchedTime, ...]
    whole: SearchedTime
    present: SearchedSettings
    trials: int
    seed: int

    @property
    def outside(self) -> SearchedTime:
        """All folds together."""
        return SearchedTime(self.folds[0].begin_ms, self.folds[-1].end_ms)


@dataclass(frozen=True)
class SearchFold:
    """A fold, what was chosen before it, and the result.

    Attributes:
        chosen: In the time before, with its result there.
        found: The fold by the chosen settings.
        present: The fold by the present ones.
    """

    training: SearchedTime
    span: SearchedTime
    chosen: Tried
    found: Tried
    present: Tried


def plan_search(
    markets: SearchedMarkets, lane_kind: str, present: SearchedSettings, folds: int, trials: int, seed: int
) -> SearchPlan:
    """Cut the time into `folds` + 1 equal parts, of which the first is only learned from.

    Raises:
        InsufficientData: the parts are too short for the present plans, with the numbers.
    """
    time = markets.time
    edges = [round(edge) for edge in np.linspace(time.begin_ms, time.end_ms, folds + 2)]
    first = SearchedTime(edges[0], edges[1])
    candles = max(end - begin for begin, end in (market.bounds(first) for market in markets.markets))
    days = (time.end_ms - time.begin_ms) / DAY_MS
    needed = 2 * present.horizon_candles
    if candles < needed or days < LEAST_DAYS:
        raise InsufficientData(
            f"a search in {folds} folds needs {needed} candles before the first of them, twice the time limit of "
            f"a plan, and {LEAST_DAYS} days in all; received {candles} candles and {days:.0f} days: give more candles, "
            "a shorter timeframe or fewer folds"
        )
    horizon = min(longest_horizon(), candles // 2)
    return SearchPlan(
        space=space_of(lane_kind, horizon),
        trainings=tuple(SearchedTime(edges[0], edge, horizon) for edge in edges[1:-1]),
        folds=tuple(SearchedTime(*pair) for pair in pairwise(edges[1:])),
        whole=SearchedTime(edges[0], edges[-1], horizon),
        present=present,
        trials=trials,
        seed=seed,
    )


def try_settings(
    markets: SearchedMarkets, plan: SearchPlan, span: SearchedTime, record: Callable[[SearchedTime, Tried], None]
) -> list[Tried]:
    """Search in one time; `record` takes each trial as it ends."""

    def attempt(settings: SearchedSettings) -> Tried:
        tried = Tried.of(settings, markets.play(span, settings))
        record(span, tried)
        return tried

    return search(attempt, plan.space, plan.present, plan.trials, plan.seed)


def walk_forward(
    markets: SearchedMarkets, plan: SearchPlan, record: Callable[[SearchedTime, Tried], None]
) -> list[SearchFold]:
    """Return the folds, each with what was chosen on the time before it."""
    folds = []
    for training, span in zip(plan.trainings, plan.folds, strict=True):
        chosen = best_of(try_settings(markets, plan, training, record))
        found, present = (
            Tried.of(settings, markets.play(span, settings)) for settings in (chosen.settings, plan.present)
        )
        folds.append(SearchFold(training, span, chosen, found, present))
    return folds
