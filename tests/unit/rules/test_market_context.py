"""Only closed candles count, too few are refused, and the rest is what the analyst reads."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.analysis import MarketSnapshot
from domain.errors import InsufficientData
from domain.market import Candle, CandleSeries, Timeframe, merge_candles
from rules.context import build_context
from rules.judgement import judge
from rules.reading import require_candles
from rules.strategies import STRATEGY_NAMES
from rules.technical import TechnicalAnalyst
from tests.fixtures.histories import (
    ANALYSIS,
    DASHBOARD_CANDLES,
    INDICATORS,
    context_of,
    dashboard_snapshot,
    end_of,
    simulated,
    snapshot_of,
)

M15, H1, H4 = Timeframe.M15, Timeframe.H1, Timeframe.H4


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _with(snapshot: MarketSnapshot, series: CandleSeries) -> MarketSnapshot:
    return replace(snapshot, series={**snapshot.series, series.timeframe: series})


def _appended(series: CandleSeries, candle: Candle) -> CandleSeries:
    return CandleSeries(series.timeframe, [*series.candles, candle])


def test_a_dashboard_snapshot_gives_every_timeframe_and_the_configured_primary() -> None:
    snapshot = dashboard_snapshot(simulated(1, timeframe=M15, count=DASHBOARD_CANDLES))
    context = context_of(snapshot)
    assert [str(timeframe) for timeframe in context.timeframes] == ["15m", "30m", "1h", "4h"]
    assert context.primary is H1
    assert context.main is context.timeframes[H1]
    assert context.generated_at == end_of(snapshot)
    for part in context.timeframes.values():
        assert {"close", *INDICATORS.names} <= part.latest.keys()
        assert all(math.isfinite(value) for value in part.latest.values())
        assert part.latest["close"] == part.series.candles[-1].close


def test_a_candle_still_forming_by_the_clock_does_not_count() -> None:
    series = simulated(1, timeframe=H1, count=100)
    now = _at(series.last_close_ms - 1)
    context = build_context(snapshot_of(series), (), ANALYSIS, INDICATORS, now)
    assert context.main.series.candles == series.candles[:-1]
    at_close = build_context(snapshot_of(series), (), ANALYSIS, INDICATORS, _at(series.last_close_ms))
    assert len(at_close.main.series) == 100


@pytest.mark.parametrize("quarters_into", [1, 7, 15])
def test_a_higher_candle_still_forming_by_its_siblings_changes_nothing(quarters_into: int) -> None:
    path = simulated(3, drift=0.2, timeframe=M15, count=DASHBOARD_CANDLES + quarters_into)
    snapshot = dashboard_snapshot(path)
    whole = snapshot.series[H4]
    # It opened after the last whole one and holds, as exchanges show it, what has happened so far and a wild guess.
    start = whole.last_close_ms
    begun = [candle for candle in path.candles if candle.timestamp >= start]
    forming = merge_candles(start, begun)._replace(low=1.0, close=1.0)
    analyst = TechnicalAnalyst(new_id=lambda: "same")
    before = analyst.assess(judge(context_of(snapshot)))
    after = analyst.assess(judge(context_of(_with(snapshot, _appended(whole, forming)))))
    assert after == before.model_copy(update={"newest_candle_ms": after.newest_candle_ms})


def test_only_the_newest_candles_of_the_window_are_read() -> None:
    series = simulated(4, count=700)
    context = context_of(snapshot_of(series))
    assert context.main.series.candles == series.candles[-ANALYSIS.window_candles :]


def test_too_few_candles_are_refused_with_the_received_number() -> None:
    one = snapshot_of(simulated(1, count=1))
    with pytest.raises(InsufficientData, match=r"^needs 60 closed candles in at least one timeframe; received 1h: 1$"):
        context_of(one)
    with pytest.raises(InsufficientData, match=r"received 15m: 59, 1h: 14$"):
        context_of(snapshot_of(simulated(1, count=14), simulated(1, timeframe=M15, count=59)))
    with pytest.raises(InsufficientData, match=r"received 15m: 59; those of 1h end long before$"):
        context_of(snapshot_of(simulated(1, count=2), simulated(1, timeframe=M15, count=59)))
    with pytest.raises(InsufficientData, match="received none"):
        context_of(replace(one, series={}))


def test_the_check_without_computing_refuses_the_same_snapshots() -> None:
    enough, one_less = (snapshot_of(simulated(1, count=count)) for count in (60, 59))
    require_candles(enough, ANALYSIS, end_of(enough))
    with pytest.raises(InsufficientData):
        require_candles(one_less, ANALYSIS, end_of(one_less))
    # Sixty candles, the last of which is still forming.
    series = simulated(1, count=60)
    with pytest.raises(InsufficientData, match="received 1h: 59"):
        require_candles(snapshot_of(series), ANALYSIS, _at(series.last_close_ms - 1))


def test_thin_timeframes_are_used_as_far_as_possible_or_left_out() -> None:
    end = 1200
    path = simulated(5, timeframe=M15, count=end)
    snapshot = snapshot_of(path.tail(100), path.resample(H1).tail(29), path.resample(H4).tail(30))
    context = context_of(snapshot)
    assert list(context.timeframes) == [M15, H4]
    assert context.primary is M15
    assert "ema_50" not in context.timeframes[H4].latest
    assert "adx" in context.timeframes[H4].latest


def test_the_primary_timeframe_is_the_first_configured_one_with_enough_candles() -> None:
    path = simulated(5, timeframe=M15, count=2000)
    full = snapshot_of(path.tail(100), path.resample(H1).tail(60), path.resample(H4).tail(60))
    assert context_of(full).primary is H1
    assert context_of(_with(full, full.series[H1].tail(59))).primary is M15
    other = snapshot_of(simulated(5, timeframe=Timeframe.D1, count=70))
    assert context_of(other).primary is Timeframe.D1  # not in the list, but all there is


def test_missing_candles_are_counted() -> None:
    series = simulated(6, count=100)
    holed = CandleSeries(H1, [c for i, c in enumerate(series.candles) if i not in {40, 41, 70}])
    assert context_of(snapshot_of(holed)).missing_candles == 3
    assert context_of(snapshot_of(series)).missing_candles == 0


def test_the_snapshot_is_carried_over() -> None:
    snapshot = replace(snapshot_of(simulated(7), price=101.5), volume_24h=12.0)
    context = context_of(snapshot, STRATEGY_NAMES[:2])
    assert (context.symbol, context.price, context.volume_24h) == ("BTCUSDT", 101.5, 12.0)
    assert context.strategies == STRATEGY_NAMES[:2]
    assert context.source_data is snapshot.source_data
    assert context.newest_candle_ms == snapshot.newest_candle_ms
