"""Every store with grouped writes, wrong clocks and pruning."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from domain.errors import Unstorable
from domain.market import Timeframe
from storage.adapter_ports import Pruned, Store
from storage.ports import NO_CANDLES, AnalysisWrite
from tests.fixtures.analyses import LATER, NOON, make_analysis, make_candle
from tests.fixtures.stores import BOUNDS, CANDLES, save_candles

if TYPE_CHECKING:
    from tests.fixtures.clocks import SettableClock

pytest_plugins = ["tests.fixtures.mongod", "tests.fixtures.adapters"]

HOUR_MS = Timeframe.H1.ms


def write(analysis_id: str, close: float = 100.0, symbol: str = "BTCUSDT") -> AnalysisWrite:
    """Return a write for the archive, with one candle that opens at the epoch."""
    analysis = make_analysis(analysis_id=analysis_id, symbol=symbol)
    return AnalysisWrite("key", analysis, archive=True, candles={Timeframe.H1: [make_candle(0, close)]})


async def archived(store: Store) -> list[str]:
    return [analysis.analysis_id for analysis in await store.newest_archived(99)]


async def prune(store: Store) -> tuple[int, int]:
    """Prune until the store is within its bounds; return how many analyses and candles were removed."""
    steps: list[Pruned] = []
    while not steps or not steps[-1].complete:
        steps.append(await store.prune())
    return sum(step.analyses for step in steps), sum(step.candles for step in steps)


async def test_group_is_saved_as_one_after_the_other_would_be(store: Store) -> None:
    cached = AnalysisWrite("other", make_analysis(analysis_id="a-9"), archive=False, candles=NO_CANDLES)
    await store.save_analyses([write("a-1", 101), write("a-2", 102), cached, write("a-3", 103)])
    latest = await store.latest_analysis("key", NOON, LATER)
    assert latest is not None
    assert latest.analysis_id == "a-3"
    assert await store.latest_analysis("other", NOON, LATER) == cached.analysis
    assert await archived(store) == ["a-3", "a-2", "a-1"]
    assert await store.latest_candles("BTCUSDT", Timeframe.H1, 9) == [make_candle(0, 103)]
    assert (await store.statistics()).total_analyses == 4


async def test_saving_a_group_again_changes_nothing(store: Store) -> None:
    group = [write(f"a-{number}") for number in range(5)]
    for part in (group[:3], group, group):
        await store.save_analyses(part)
    assert (await store.statistics()).total_analyses == 5
    assert await archived(store) == ["a-4", "a-3", "a-2", "a-1", "a-0"]


async def test_empty_group_is_no_error(store: Store) -> None:
    await store.save_analyses([])
    assert (await store.statistics()).total_analyses == 0


async def test_refused_analysis_leaves_the_others_of_its_group_storable(store: Store) -> None:
    group = [write("a-1"), write("a-2", symbol="\ud800"), write("a-3")]
    with pytest.raises(Unstorable):
        await store.save_analyses(group)
    for alone in (group[0], group[2]):
        await store.save_analyses([alone])
    with pytest.raises(Unstorable):
        await store.save_analyses([group[1]])
    assert set(await archived(store)) == {"a-1", "a-3"}


async def test_group_of_hundreds_with_candles_is_saved_whole(store: Store) -> None:
    candles = {Timeframe.H1: [make_candle(hour * HOUR_MS) for hour in range(350)]}
    group = [
        AnalysisWrite(f"key-{n}", make_analysis(analysis_id=f"a-{n}", symbol=f"S{n % 9}"), True, candles)
        for n in range(300)
    ]
    await store.save_analyses(group)
    statistics = await store.statistics()
    assert (statistics.total_analyses, statistics.archived_analyses) == (300, 300)
    for number in range(9):
        assert await store.latest_candles(f"S{number}", Timeframe.H1, 999) == candles[Timeframe.H1]


async def test_analysis_of_the_future_does_not_hide_an_older_one(store: Store) -> None:
    good = make_analysis(analysis_id="good")
    await store.save_analysis("key", good, archive=False)
    ahead = make_analysis(analysis_id="ahead", generated_at=LATER + timedelta(milliseconds=1))
    await store.save_analysis("key", ahead, archive=False)
    assert await store.latest_analysis("key", NOON, LATER) == good
    assert await store.latest_analysis("key", NOON + timedelta(seconds=1), LATER) is None
    assert await store.latest_analysis("key", NOON, ahead.generated_at) == ahead


async def test_analyses_cached_by_a_clock_that_ran_ahead_never_pass_for_fresh(
    store: Store, clock: SettableClock
) -> None:
    right = clock.moment
    clock.moment = ahead = right + timedelta(hours=1)
    await store.save_analysis("key", make_analysis(analysis_id="ahead", generated_at=ahead), archive=False)
    clock.moment = right
    await store.save_analysis("key", make_analysis(analysis_id="now", generated_at=right), archive=False)
    minutes = timedelta(minutes=5)
    assert await store.latest_analysis("key", ahead - minutes, ahead + minutes) is None
    assert (await store.statistics()).total_analyses == 1


async def test_replica_whose_clock_is_seconds_ahead_keeps_its_cache(store: Store, clock: SettableClock) -> None:
    clock.moment += timedelta(seconds=10)
    theirs = make_analysis(analysis_id="theirs", generated_at=clock.moment)
    await store.save_analysis("key", theirs, archive=False)
    clock.moment -= timedelta(seconds=10)
    await store.save_analysis("other", make_analysis(), archive=False)
    assert await store.latest_analysis("key", NOON, clock.moment + timedelta(minutes=1)) == theirs


async def test_archived_analyses_of_the_future_wait_for_their_time(store: Store, clock: SettableClock) -> None:
    now, hour = clock.moment, timedelta(hours=1)
    for name, moment in (("ahead", now + hour), ("now", now), ("before", now - hour)):
        await store.save_analysis("key", make_analysis(analysis_id=name, generated_at=moment), archive=True)
    assert await archived(store) == ["now", "before"]
    assert await store.archived_analysis("ahead") is not None
    clock.moment += hour
    assert await archived(store) == ["ahead", "now", "before"]


async def test_archived_analyses_of_one_moment_come_in_the_opposite_order_of_saving(store: Store) -> None:
    names = ["b", "a", "d", "c"]
    for name in names:
        await store.save_analysis("key", make_analysis(analysis_id=name), archive=True)
    assert await archived(store) == names[::-1]


async def test_pruning_removes_archived_analyses_by_their_age(store: Store, clock: SettableClock) -> None:
    for days in (29, 31, 40, 0):
        moment = clock.moment - timedelta(days=days)
        await store.save_analysis("key", make_analysis(analysis_id=f"{days}", generated_at=moment), archive=True)
    assert await prune(store) == (2, 0)
    assert await archived(store) == ["0", "29"]
    assert await prune(store) == (0, 0)


async def test_clock_that_jumps_ahead_empties_no_archive(store: Store, clock: SettableClock) -> None:
    await store.save_analysis("key", make_analysis(generated_at=clock.moment), archive=True)
    clock.moment += timedelta(days=3_650)
    assert await prune(store) == (0, 0)
    assert (await store.statistics()).archived_analyses == 1


async def test_pruning_keeps_the_newest_candles_of_each_series(store: Store) -> None:
    candles = [make_candle(hour * HOUR_MS, 100 + hour) for hour in range(CANDLES + 7)]
    await save_candles(store, candles)
    await save_candles(store, candles[:CANDLES], "ETHUSDT")
    assert await prune(store) == (0, 7)
    assert await store.latest_candles("BTCUSDT", Timeframe.H1, 999) == candles[7:]
    assert await store.latest_candles("ETHUSDT", Timeframe.H1, 999) == candles[:CANDLES]
    assert await prune(store) == (0, 0)


async def test_pruning_removes_the_excess_from_the_series_that_missed_most_candles(
    store: Store, clock: SettableClock
) -> None:
    now_ms = int(clock.moment.timestamp() * 1000)
    # By their own lengths: the hourly series has missed 40 candles, the daily one none.
    missed = {"A": (Timeframe.H1, 2), "B": (Timeframe.H1, 40), "C": (Timeframe.D1, 0), "D": (Timeframe.H1, 1)}
    missed |= {f"LIVE{n}": (Timeframe.M1, 0) for n in range(7)}
    for symbol, (timeframe, candles_missed) in missed.items():
        newest = now_ms - (candles_missed + 1) * timeframe.ms
        series = [make_candle(newest - n * timeframe.ms) for n in range(CANDLES)]
        await store.save_analysis("key", make_analysis(symbol=symbol), archive=False, candles={timeframe: series})
    excess = len(missed) * CANDLES - BOUNDS.max_candles
    assert await prune(store) == (0, excess)
    left = {
        symbol: len(await store.latest_candles(symbol, timeframe, 999)) for symbol, (timeframe, _) in missed.items()
    }
    assert left == {**dict.fromkeys(missed, CANDLES), "B": CANDLES - excess}
    assert (await store.latest_candles("B", Timeframe.H1, 1))[0].timestamp == now_ms - 41 * HOUR_MS


async def test_pruning_more_than_a_step_takes_is_done_in_steps(store: Store) -> None:
    candles = [make_candle(hour * HOUR_MS) for hour in range(2_500)]
    await save_candles(store, candles)
    first = await store.prune()
    assert (first.candles, first.complete) == (1_000, False)
    await store.clear_cache()  # other work goes on between two steps
    assert await prune(store) == (0, 1_460)
    assert await store.latest_candles("BTCUSDT", Timeframe.H1, 999) == candles[-CANDLES:]
