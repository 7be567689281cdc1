"""Walk-forward: what is chosen before a fold knows nothing of it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from backtesting.past.judging import judge_past
from backtesting.past.market import PastMarket
from backtesting.search.candidates import collect
from backtesting.search.searched_markets import SearchedMarket, SearchedMarkets, SearchedTime
from backtesting.search.space import SearchedSettings, present_settings
from backtesting.search.studies import LEAST_TRADES, Tried, best_of
from backtesting.search.walk_forward import SearchFold, SearchPlan, plan_search, try_settings, walk_forward
from config.guard_settings import GuardSettings
from domain.errors import InsufficientData
from domain.market import CandleSeries, Timeframe
from tests.fixtures.histories import ANALYSIS, INDICATORS, WEIGHER
from tests.fixtures.searched_market import wicked_market
from tests.fixtures.settings import configured
from tests.fixtures.trading import terms

COUNT, TRIALS = 2000, 6
PRESENT = present_settings(configured(GuardSettings), 0.5)


def searched(series: CandleSeries, symbol: str = "BTCUSDT") -> SearchedMarket:
    past = list(judge_past(PastMarket(symbol, {series.timeframe: series}), ANALYSIS, INDICATORS, weigher=WEIGHER))
    return SearchedMarket(symbol, series, None, past[0].position, collect(past, series.timeframe, None))


@cache
def market() -> SearchedMarkets:
    return SearchedMarkets([searched(wicked_market(COUNT))], terms(fee_bps=5))


def planned(markets: SearchedMarkets, folds: int = 2, seed: int = 3) -> SearchPlan:
    return plan_search(markets, "rules", PRESENT, folds, TRIALS, seed)


def run(markets: SearchedMarkets, seed: int = 3) -> tuple[list[SearchFold], list[tuple[SearchedTime, Tried]]]:
    recorded: list[tuple[SearchedTime, Tried]] = []
    return walk_forward(markets, planned(markets, seed=seed), lambda *told: recorded.append(told)), recorded


def changed_from(series: CandleSeries, moment_ms: int) -> CandleSeries:
    """Return a series that goes another way after a moment."""
    values, other = series.values.copy(), wicked_market(len(series), seed=9).values
    after = series.closes_ms > moment_ms
    values[after] = other[after] * (series.closes[~after][-1] / other[after][0, 0])
    return CandleSeries.of_arrays(series.timeframe, series.times_ms, values)


def test_another_future_changes_no_choice_before_it() -> None:
    markets = market()
    folds, recorded = run(markets)
    second = folds[1].span.begin_ms
    other, again = run(SearchedMarkets([searched(changed_from(markets.markets[0].series, second))], markets.terms))
    assert [fold.chosen.settings for fold in other] == [fold.chosen.settings for fold in folds]
    assert [tried.sharpe for _, tried in again] == [tried.sharpe for _, tried in recorded]
    # The first fold is before the change too, the second is not.
    assert other[0].found.trades == folds[0].found.trades
    assert other[1].found.trades != folds[1].found.trades
    earlier, _ = run(
        SearchedMarkets([searched(changed_from(markets.markets[0].series, folds[0].span.begin_ms))], markets.terms)
    )
    assert earlier[0].chosen.settings == folds[0].chosen.settings
    assert earlier[1].chosen.sharpe != folds[1].chosen.sharpe


def test_the_time_is_cut_into_equal_parts_and_every_fold_is_learned_from_all_before_it() -> None:
    plan = planned(market(), folds=3)
    series = market().markets[0].series
    lengths = {round((fold.end_ms - fold.begin_ms) / 1e4) for fold in plan.folds}
    assert len(lengths) == 1
    assert [span.end_ms for span in plan.trainings] == [fold.begin_ms for fold in plan.folds]
    assert {span.begin_ms for span in plan.trainings} == {plan.whole.begin_ms}
    assert (plan.outside.begin_ms, plan.outside.end_ms) == (plan.folds[0].begin_ms, series.last_close_ms)


def test_no_trade_of_a_training_reaches_into_its_fold() -> None:
    markets, plan = market(), planned(market())
    training = plan.trainings[0]
    longest = next(int(one.high) for one in plan.space if one.name == "horizon_candles")
    played = markets.play(training, PRESENT.model_copy(update={"horizon_candles": longest}))
    last = training.end_ms - longest * Timeframe.H1.ms
    assert played.simulation.trades
    assert all(trade.opened_ms <= last for trade in played.simulation.trades)
    assert played.simulation.curve.times_ms[-1] <= training.end_ms
    # The same time without the rule has such trades.
    loose = markets.play(SearchedTime(training.begin_ms, training.end_ms), PRESENT)
    assert any(trade.opened_ms > last for trade in loose.simulation.trades)


def test_every_trial_is_recorded_and_the_first_of_a_time_has_the_present_settings() -> None:
    _, recorded = run(market())
    plan = planned(market())
    assert [span for span, _ in recorded] == [span for span in plan.trainings for _ in range(TRIALS)]
    assert [tried.settings for _, tried in recorded[::TRIALS]] == [PRESENT, PRESENT]
    for _, tried in recorded:
        for one in plan.space:
            assert one.low <= getattr(tried.settings, one.name) <= one.high


def test_the_same_seed_tries_the_same_settings() -> None:
    def tried(seed: int) -> list[SearchedSettings]:
        plan = planned(market(), seed=seed)
        return [one.settings for one in try_settings(market(), plan, plan.trainings[0], lambda *_: None)]

    assert tried(3) == tried(3)
    assert tried(3) != tried(4)


def test_folds_in_turn_are_the_folds_on_one_account() -> None:
    markets, plan = market(), planned(market())
    one, other = PRESENT, PRESENT.model_copy(update={"stop_atr": 5.0})
    turns = {plan.folds[0].begin_ms: one, plan.folds[1].begin_ms: other}
    together = markets.play_in_turn(plan.outside, turns).simulation.trades
    same = markets.play(plan.outside, one).simulation.trades
    switch = plan.folds[1].begin_ms
    assert [trade for trade in together if trade.closed_ms < switch] == [
        trade for trade in same if trade.closed_ms < switch
    ]
    later = [trade for trade in together if trade.opened_ms >= switch]
    wide = {
        trade.opened_ms: trade
        for trade in markets.play(SearchedTime(switch, plan.outside.end_ms), other).simulation.trades
    }
    assert later
    shared = [trade for trade in later if trade.opened_ms in wide]
    assert shared
    assert all(trade.risk == wide[trade.opened_ms].risk for trade in shared)


def test_a_few_lucky_trades_are_not_chosen() -> None:
    def tried(sharpe: float, trades: int) -> Tried:
        base = Tried.of(PRESENT, market().play(planned(market()).whole, PRESENT))
        returns = np.array([sharpe + 1.0, sharpe - 1.0])
        return Tried(
            PRESENT,
            type(base.returns)(returns, 365.0),
            base.trades.model_copy(update={"trades": trades}),
        )

    few, many, present = tried(3.0, LEAST_TRADES - 1), tried(1.0, LEAST_TRADES), tried(0.5, 50)
    assert best_of([present, few, many]) is many
    assert best_of([few, tried(2.0, 0)]) is few


@pytest.mark.parametrize(
    ("count", "folds", "words"),
    [
        (1400, 2, "a search in 2 folds needs 480 candles before the first of them"),
        (COUNT, 4, "received 389 candles and 81 days: give more candles, a shorter timeframe or fewer folds"),
    ],
)
def test_a_time_that_is_too_short_is_refused_with_the_numbers(count: int, folds: int, words: str) -> None:
    whole = market().markets[0]
    first = COUNT - count
    short = SearchedMarket(whole.symbol, whole.series, None, max(first, whole.first), whole.candidates)
    with pytest.raises(InsufficientData, match=words):
        planned(SearchedMarkets([short], terms()), folds)


def test_several_markets_share_one_account() -> None:
    other = searched(wicked_market(COUNT, seed=2), "ETHUSDT")
    both = SearchedMarkets([market().markets[0], other], market().terms)
    played = both.play(planned(both).outside, PRESENT)
    assert {trade.symbol for trade in played.simulation.trades} == {"BTCUSDT", "ETHUSDT"}
