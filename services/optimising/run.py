"""One search: judgements are made once, settings tried in each time and tested on the time after it; the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from backtesting.figures.account import DailyReturns
from backtesting.figures.buy_and_hold import buy_and_hold
from backtesting.figures.chance import random_entries
from backtesting.search.candidates import collect
from backtesting.search.searched_markets import SearchedMarket, SearchedMarkets, SearchedTime
from backtesting.search.space import shown
from backtesting.search.studies import Tried
from backtesting.search.walk_forward import SearchPlan, plan_search, try_settings, walk_forward
from backtesting.trials.registry import Trial, TrialRegistry
from backtesting.trials.run_card import digest_of, signed
from domain.errors import InsufficientData
from domain.jobs import JobProgress, TellProgress, TellShare
from domain.market import CandleSeries
from domain.values import utc_time
from services.backtests.judgements import Judged, judging_part, true_ranges
from services.backtests.markets import BacktestMarket, prepare
from services.backtests.parameters import lane_of
from services.backtests.result import Tested, data_card, figures_document, run_card
from services.backtests.run import signing_key
from services.optimising.parameters import OptimiseParameters
from services.optimising.result import Optimised, optimised_document
from utils.version import service_version

# Of the whole run: judging, then searching; random entries take the rest.
_JUDGED, _SEARCHED = 0.4, 0.9


@dataclass(frozen=True)
class OptimiseResult:
    """The signed result as JSON-like values (docs/optimising.md has its keys), and what pictures are made of."""

    document: dict[str, Any]
    optimised: Optimised


def run_optimise(
    candles: Sequence[tuple[str, CandleSeries]], parameters: OptimiseParameters, report: TellProgress, now: datetime
) -> OptimiseResult:
    """Return the signed result of a search, and record each of its trials.

    Args:
        candles: Closed candles of a symbol and timeframe each.
        parameters: What is searched.
        report: Takes the progress.
        now: The server's clock, for the trials and the run card.

    Raises:
        InvalidRequest, InsufficientData, InvalidMarketData: candles or parameters are unfit; the message says why.
        ConfigurationError: a trial cannot be recorded, or the key of the signature is not usable.
    """
    # What would stop the run at its end is found before it begins.
    backtest = parameters.backtest
    key = signing_key(backtest.backtests).secret()
    prepared = prepare(candles, backtest)
    markets = SearchedMarkets(
        [
            _judged(market, parameters, judging_part(report, _JUDGED, at, len(prepared)))
            for at, market in enumerate(prepared)
        ],
        backtest.terms,
    )
    plan = plan_search(
        markets, lane_of(backtest.lane).kind, parameters.present, parameters.folds, parameters.trials, parameters.seed
    )
    book = _Trials(parameters, plan, data_card(prepared, backtest), prepared, report, now)
    folds = walk_forward(markets, plan, book.record)
    tried = try_settings(markets, plan, plan.whole, book.record)
    turns = {fold.span.begin_ms: fold.chosen.settings for fold in folds}
    found, present = markets.play_in_turn(plan.outside, turns), markets.play(plan.outside, plan.present)
    done = Optimised(plan, folds, tried, found, present)
    trial = book.trial(parameters.shown_settings, book.data, plan.whole, found.returns)
    count = book.registry.record(trial)
    tested = _tested(prepared, done, parameters, report)
    document = optimised_document(done, figures_document(tested, backtest.lane, found.returns, count))
    card = run_card(parameters.shown_settings, trial, count, book.data, parameters.seed)
    return OptimiseResult(signed({**document, "run": card}, key), done)


def _judged(market: BacktestMarket, parameters: OptimiseParameters, tell: TellShare) -> SearchedMarket:
    judged = Judged(market, parameters.backtest, tell)
    candidates = collect(judged, market.traded, parameters.strategy)
    if judged.moments < 2:
        raise InsufficientData(
            f"{market.symbol} {market.traded} is too short: in the time that is searched {judged.moments} candles have "
            f"{parameters.backtest.analysis.min_candles} closed candles before them"
        )
    return SearchedMarket(market.symbol, market.series, market.finer, judged.first, candidates)


class _Trials:
    """Records the trials of one search.

    Attributes:
        data: What identifies the candles.
    """

    def __init__(
        self,
        parameters: OptimiseParameters,
        plan: SearchPlan,
        data: dict[str, Any],
        markets: Sequence[BacktestMarket],
        report: TellProgress,
        now: datetime,
    ) -> None:
        self.data = data
        self.registry = TrialRegistry(Path(parameters.backtest.backtests.trials_path))
        self._parameters = parameters
        self._plan = plan
        self._markets = markets
        self._report = report
        self._now = now
        self._chosen = parameters.backtest.shown_settings
        self._done = 0

    def record(self, span: SearchedTime, tried: Tried) -> None:
        """Record a trial in a time, and tell the progress."""
        settings = {**self._chosen, "searched": shown(tried.settings, self._plan.space)}
        time = {"since": utc_time(span.begin_ms).isoformat(), "until": utc_time(span.end_ms).isoformat()}
        self.registry.add(self.trial(settings, {**self.data, **time}, span, tried.returns))
        self._done += 1
        times, trials = self._parameters.folds + 1, self._parameters.trials
        fold = (self._done - 1) // trials
        stage = "searching all the time" if fold == self._parameters.folds else f"searching before fold {fold + 1}"
        share = self._done / (times * trials)
        self._report(JobProgress(stage=stage, share=_JUDGED + (_SEARCHED - _JUDGED) * share))

    def trial(self, settings: dict[str, Any], data: dict[str, Any], span: SearchedTime, returns: DailyReturns) -> Trial:
        """Return a trial of some settings on candles of a time."""
        return Trial(
            settings=digest_of(settings),
            data=digest_of(data),
            lane=self._parameters.backtest.lane,
            symbols=tuple(market.symbol for market in self._markets),
            sharpe=returns.sharpe,
            days=len(returns.values),
            version=service_version(),
            at=self._now,
            timeframe=self._markets[0].traded,
            since=utc_time(span.begin_ms),
            until=utc_time(span.end_ms),
        )


def _tested(
    prepared: Sequence[BacktestMarket], done: Optimised, parameters: OptimiseParameters, report: TellProgress
) -> Tested:
    """Return what was traded out of sample, beside buy and hold and random entries."""
    backtest, found = parameters.backtest, done.found
    terms, settings = backtest.terms, backtest.backtests
    hold = buy_and_hold(found.markets, found.simulation.curve.times_ms, terms.costs)
    by_symbol = {market.symbol: market for market in prepared}
    # The last fold ends with the candles.
    ranges = [true_ranges(by_symbol[market.symbol], backtest, len(market.series)) for market in found.markets]

    def tell(share: float) -> None:
        report(JobProgress(stage="random entries", share=_SEARCHED + (1 - _SEARCHED) * share))

    chance = random_entries(found.markets, ranges, found.simulation, terms, settings.random_runs, parameters.seed, tell)
    judgements = sum(len(market.series) for market in found.markets)
    return Tested(found.markets, judgements, found.simulation, hold, chance, settings.capital, parameters.seed)
