"""The cache in memory: what it answers, what it refuses, and how it counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from domain.analysis import Analysis, DataSource, MarketSnapshot
from domain.market import Candle, CandleSeries, Timeframe
from domain.queries import AnalysisQuery
from services.analysis.recent import MAX_ENTRIES, RecentAnalyses
from tests.fixtures.analyses import NOON, make_analysis

TTL = timedelta(minutes=5)
NEVER = NOON - timedelta(days=365)
OPEN_MS = 1_700_006_400_000
STRATEGIES = ("RSI Strategy", "momentum")


def candles(count: int = 60, close: float = 100.0) -> list[Candle]:
    """Return 15m candles of which the last one is forming until 15 minutes after `OPEN_MS`."""
    first = OPEN_MS - (count - 1) * Timeframe.M15.ms
    return [Candle(first + n * Timeframe.M15.ms, 100.0, 101.0, 99.0, close, 1.0) for n in range(count)]


def query(price: float = 100.0, sent: Sequence[Candle] = (), now_ms: int = OPEN_MS, **changes: Any) -> AnalysisQuery:
    series = {Timeframe.M15: CandleSeries(Timeframe.M15, sent or candles())}
    snapshot = MarketSnapshot("BTCUSDT", series, price, 1.0, DataSource.CLIENT)
    values: dict[str, Any] = {"symbol": "BTCUSDT", "strategies": STRATEGIES, "snapshot": snapshot}
    return AnalysisQuery(**{**values, "received_ms": now_ms, **changes})


def analysis(signal: str = "Long", stop: float | None = 97.5, target: float | None = 105.0) -> Analysis:
    risk = make_analysis().risk_assessment.model_copy(
        update={"stop_loss_suggestion": stop, "take_profit_suggestion": target}
    )
    return make_analysis(
        signal=signal, price=100.0, average_true_range=2.0, generated_at=NOON, risk_assessment=risk.model_dump()
    )


@pytest.fixture
def recent() -> RecentAnalyses:
    cache = RecentAnalyses(TTL, max_price_drift_atr=1.0, valid_since=lambda: NEVER)
    cache.remember(query(), analysis())
    return cache


def test_a_switch_of_safe_mode_ends_every_analysis_before_it() -> None:
    switched = NOON
    cache = RecentAnalyses(TTL, max_price_drift_atr=1.0, valid_since=lambda: switched)
    cache.remember(query(), analysis())
    assert cache.find(query(), NOON + timedelta(seconds=2)) is not None
    switched = NOON + timedelta(seconds=1)
    assert cache.find(query(), NOON + timedelta(seconds=2)) is None


def test_it_answers_for_the_interval_and_no_longer(recent: RecentAnalyses) -> None:
    assert recent.find(query(), NOON) == analysis()
    assert recent.find(query(), NOON + TTL - timedelta(milliseconds=1)) == analysis()
    assert recent.find(query(), NOON + TTL) is None


def test_an_analysis_of_a_clock_that_was_ahead_does_not_answer_once_it_is_set_back(recent: RecentAnalyses) -> None:
    assert recent.find(query(), NOON - timedelta(hours=1)) is None
    assert recent.find(query(), NOON - timedelta(milliseconds=1)) is None


@pytest.mark.parametrize(("price", "covered"), [(100, True), (102, True), (98, True), (102.1, False), (97.9, False)])
def test_a_price_further_than_one_range_away_is_another_market(
    recent: RecentAnalyses, price: float, covered: bool
) -> None:
    assert (recent.find(query(price=price), NOON) is not None) is covered


@pytest.mark.parametrize(
    ("signal", "stop", "target", "price", "covered"),
    [
        ("Long", 98.5, 101.5, 98.6, True),
        ("Long", 98.5, 101.5, 98.5, False),
        ("Long", 98.5, 101.5, 101.5, False),
        ("Short", 101.5, 98.5, 101.4, True),
        ("Short", 101.5, 98.5, 101.5, False),
        ("Short", 101.5, 98.5, 98.4, False),
        ("Neutral", None, None, 101.9, True),
    ],
)
def test_after_the_price_reached_a_stop_or_target_an_analysis_answers_no_query(
    signal: str, stop: float | None, target: float | None, price: float, covered: bool
) -> None:
    cache = RecentAnalyses(TTL, max_price_drift_atr=1.0, valid_since=lambda: NEVER)
    cache.remember(query(), analysis(signal, stop, target))
    assert (cache.find(query(price=price), NOON) is not None) is covered


@pytest.mark.parametrize(
    "change",
    [
        lambda sent: [*sent[:30], sent[30]._replace(low=98.9), *sent[31:]],
        lambda sent: [*sent[:30], sent[30]._replace(volume=2.0), *sent[31:]],
        lambda sent: [candle._replace(timestamp=candle.timestamp - 900_000) for candle in sent],
        lambda sent: sent[1:],
        lambda sent: [*sent[:30], *sent[31:]],
    ],
    ids=["price", "volume", "time", "first missing", "one missing"],
)
def test_only_the_same_closed_candles_are_answered(
    recent: RecentAnalyses, change: Callable[[list[Candle]], list[Candle]]
) -> None:
    assert recent.find(query(sent=candles()), NOON) is not None
    assert recent.find(query(sent=change(candles())), NOON) is None


def test_a_candle_that_is_still_forming_is_none_of_them(recent: RecentAnalyses) -> None:
    same = candles()
    moved = [*same[:-1], same[-1]._replace(high=101.5, close=101.2)]
    assert recent.find(query(sent=moved), NOON) is not None
    assert recent.find(query(sent=same[:-1]), NOON) is not None
    assert recent.find(query(sent=moved, now_ms=OPEN_MS + 900_000), NOON) is None  # it has closed


def test_candles_of_two_timeframes_are_not_those_of_one(recent: RecentAnalyses) -> None:
    both = {Timeframe.M15: CandleSeries(Timeframe.M15, candles()), Timeframe.M5: CandleSeries(Timeframe.M5, [])}
    snapshot = MarketSnapshot("BTCUSDT", both, 100.0, 1.0, DataSource.CLIENT)
    assert recent.find(query(snapshot=snapshot), NOON) is None


def test_only_equal_questions_share_an_answer(recent: RecentAnalyses) -> None:
    assert recent.find(query(strategies=STRATEGIES[::-1]), NOON) is not None  # the order of names says nothing
    for other in (
        query(symbol="ETHUSDT"),
        query(strategies=STRATEGIES[:1]),
        query(trusted=True),
        query(snapshot=None),
    ):
        assert recent.find(other, NOON) is None


def test_the_least_recently_used_is_forgotten_first(recent: RecentAnalyses) -> None:
    for number in range(MAX_ENTRIES - 1):
        recent.remember(query(symbol=f"S{number}"), analysis())
    assert recent.find(query(), NOON) is not None  # used just now
    recent.remember(query(symbol="ONEMORE"), analysis())
    assert recent.find(query(), NOON) is not None
    assert recent.find(query(symbol="S0"), NOON) is None


def test_hits_and_misses_give_the_rate() -> None:
    cache = RecentAnalyses(TTL, max_price_drift_atr=1.0, valid_since=lambda: NEVER)
    assert cache.hit_rate == 0.0
    for hit in (True, True, True, False):
        cache.count(hit=hit)
    assert (cache.hits, cache.misses, cache.hit_rate) == (3, 1, 0.75)
