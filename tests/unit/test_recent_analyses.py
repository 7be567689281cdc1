"""The cache in memory: what it answers, what it refuses, and how it counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.analysis import Analysis, AnalysisQuery, DataSource, MarketSnapshot
from domain.market import Candle, CandleSeries, Timeframe
from services.recent_analyses import MAX_ENTRIES, RecentAnalyses
from tests.fixtures.analyses import NOON, make_analysis

TTL = timedelta(minutes=5)
OPEN_MS = 1_700_006_400_000
STRATEGIES = ("RSI Strategy", "momentum")


def query(price: float = 100.0, shift_ms: int = 0, **changes: object) -> AnalysisQuery:
    candle = Candle(OPEN_MS + shift_ms, 100.0, 101.0, 99.0, 100.0, 1.0)
    series = {Timeframe.M15: CandleSeries(Timeframe.M15, [candle])}
    snapshot = MarketSnapshot("BTCUSDT", series, price, 1.0, DataSource.CLIENT)
    return AnalysisQuery(**{"symbol": "BTCUSDT", "strategies": STRATEGIES, "snapshot": snapshot, **changes})  # type: ignore[arg-type]


def analysis() -> Analysis:
    return make_analysis(price=100.0, average_true_range=2.0, newest_candle_ms=OPEN_MS, generated_at=NOON)


@pytest.fixture
def recent() -> RecentAnalyses:
    cache = RecentAnalyses(TTL, max_price_drift_atr=1.0)
    cache.remember(query(), analysis())
    return cache


def test_it_answers_for_the_interval_and_no_longer(recent: RecentAnalyses) -> None:
    assert recent.find(query(), NOON) == analysis()
    assert recent.find(query(), NOON + TTL - timedelta(milliseconds=1)) == analysis()
    assert recent.find(query(), NOON + TTL) is None


@pytest.mark.parametrize(("price", "covered"), [(100, True), (102, True), (98, True), (102.1, False), (97.9, False)])
def test_a_price_further_than_one_range_away_is_another_market(
    recent: RecentAnalyses, price: float, covered: bool
) -> None:
    assert (recent.find(query(price=price), NOON) is not None) is covered


@pytest.mark.parametrize(
    ("minutes", "covered"), [(0, True), (15, True), (20, True), (30, False), (-30, False), (1440, False)]
)
def test_candles_of_another_time_are_another_market(recent: RecentAnalyses, minutes: int, covered: bool) -> None:
    assert (recent.find(query(shift_ms=minutes * 60_000), NOON) is not None) is covered


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
    cache = RecentAnalyses(TTL, max_price_drift_atr=1.0)
    assert cache.hit_rate == 0.0
    for hit in (True, True, True, False):
        cache.count(hit=hit)
    assert (cache.hits, cache.misses, cache.hit_rate) == (3, 1, 0.75)
