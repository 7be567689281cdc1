"""Every store: one suite, run on SQLite and on a real MongoDB."""

from __future__ import annotations

import asyncio
import math
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.analysis import Conclusion
from domain.errors import StorageUnavailable, Unstorable
from domain.market import Timeframe
from domain.trading.lanes import Lane
from domain.values import Signal
from storage.adapter_ports import Store
from storage.ports import NO_CANDLES, AnalysisWrite, SymbolCount
from tests.fixtures.analyses import LATER, NOON, make_analysis, make_candle
from tests.fixtures.patience import PATIENCE_SECONDS
from tests.fixtures.stores import save_candles

if TYPE_CHECKING:
    from tests.fixtures.adapters import BuildStore
    from tests.fixtures.clocks import SettableClock

pytest_plugins = ["tests.fixtures.mongod", "tests.fixtures.adapters"]

HOUR_MS = Timeframe.H1.ms
HOSTILE = ["", "a'b\"c; DROP TABLE x --", "$where", "a.b.$c", "{'$gt': ''}", "ключ 鍵 🔑", "x" * 5_000, "50%_\\"]


async def test_saved_analysis_comes_back_equal(store: Store) -> None:
    analysis = make_analysis(generated_at=NOON + timedelta(microseconds=123_456))
    await store.save_analysis("key", analysis, archive=False)
    assert await store.latest_analysis("key", NOON, LATER) == analysis


async def test_analysis_with_empty_and_missing_parts_comes_back_equal(store: Store) -> None:
    risk = make_analysis().risk_assessment.model_dump() | {"stop_loss_suggestion": None, "take_profit_suggestion": None}
    analysis = make_analysis(signal="Neutral", risk_assessment=risk, strategy_scores={}, timeframes={}, confidence=0)
    await store.save_analysis("key", analysis, archive=True)
    assert await store.latest_analysis("key", NOON, LATER) == analysis


async def test_the_lanes_and_the_rules_answer_beside_an_llms_come_back_equal(store: Store) -> None:
    answered = make_analysis()
    lane = {"side": "Long", "probability": None, "confidence": 0.71}
    lanes = {"rules": lane, "model": {"side": "Short", "probability": 0.31, "confidence": 0.38}, "llm": None}
    rules = {name: getattr(answered, name) for name in Conclusion.model_fields}
    analysis = make_analysis(source="llm", signal="Neutral", lanes=lanes, rules=rules)
    await store.save_analysis("key", analysis, archive=True)
    assert await store.latest_analysis("key", NOON, LATER) == analysis
    assert await store.archived_analysis("a-1") == analysis
    assert analysis.lanes is not None
    assert analysis.lanes.model == Lane(side=Signal.SHORT, probability=0.31, confidence=0.38)


async def test_not_before_includes_its_own_millisecond_and_no_earlier_one(store: Store) -> None:
    await store.save_analysis("key", make_analysis(), archive=False)
    assert await store.latest_analysis("key", NOON, LATER) is not None
    assert await store.latest_analysis("key", NOON + timedelta(milliseconds=1), LATER) is None


async def test_newest_analysis_wins_whatever_the_order_of_saving(store: Store) -> None:
    newest = make_analysis(analysis_id="new", generated_at=NOON + timedelta(seconds=2))
    for analysis in [make_analysis(analysis_id="old"), newest, make_analysis(analysis_id="older")]:
        await store.save_analysis("key", analysis, archive=False)
    assert await store.latest_analysis("key", NOON, LATER) == newest


async def test_of_two_analyses_of_one_moment_the_later_saved_wins(store: Store) -> None:
    for name in ["first", "second"]:
        await store.save_analysis("key", make_analysis(analysis_id=name), archive=False)
    found = await store.latest_analysis("key", NOON, LATER)
    assert found is not None
    assert found.analysis_id == "second"


async def test_other_key_is_not_answered(store: Store) -> None:
    await store.save_analysis("key", make_analysis(), archive=True)
    for other in ["ke", "key ", "KEY", ""]:
        assert await store.latest_analysis(other, NOON, LATER) is None


async def test_saving_an_analysis_again_changes_nothing(store: Store) -> None:
    for _ in range(3):
        await store.save_analysis("key", make_analysis(), archive=True)
    statistics = await store.statistics()
    assert (statistics.total_analyses, statistics.archived_analyses) == (1, 1)


async def test_one_analysis_under_two_keys_is_cached_twice_and_archived_once(store: Store) -> None:
    for key in ["key", "other"]:
        await store.save_analysis(key, make_analysis(), archive=True)
    statistics = await store.statistics()
    assert (statistics.total_analyses, statistics.archived_analyses) == (2, 1)


async def test_clear_cache_counts_and_keeps_archive_and_candles(store: Store) -> None:
    for number in range(3):
        analysis, candles = make_analysis(analysis_id=f"a-{number}"), {Timeframe.H1: [make_candle(0)]}
        await store.save_analysis("key", analysis, archive=number > 0, candles=candles)
    assert await store.clear_cache() == 3
    assert await store.clear_cache() == 0
    assert await store.latest_analysis("key", NOON, LATER) is None
    statistics = await store.statistics()
    assert (statistics.symbols, statistics.archived_analyses) == ((), 2)
    assert await store.latest_candles("BTCUSDT", Timeframe.H1, 10) == [make_candle(0)]


async def test_archived_analyses_come_back_by_id_and_newest_first(store: Store) -> None:
    analyses = [
        make_analysis(analysis_id=f"a-{number}", generated_at=NOON + timedelta(minutes=number)) for number in (1, 3, 2)
    ]
    for analysis in analyses:
        await store.save_analysis("key", analysis, archive=True)
    await store.save_analysis("key", make_analysis(analysis_id="stranger's"), archive=False)
    assert await store.archived_analysis("a-3") == analyses[1]
    assert await store.archived_analysis("stranger's") is None
    assert [analysis.analysis_id for analysis in await store.newest_archived(2)] == ["a-3", "a-2"]
    await store.clear_cache()
    assert len(await store.newest_archived(9)) == 3


async def test_statistics_count_by_symbol_in_alphabetical_order(store: Store) -> None:
    for number, symbol in enumerate(["SOLUSDT", "BTCUSDT", "SOLUSDT", "ADAUSDT"]):
        moment = NOON + timedelta(milliseconds=number)
        analysis = make_analysis(analysis_id=f"a-{number}", symbol=symbol, generated_at=moment)
        await store.save_analysis(f"key of {symbol}", analysis, archive=False)
    statistics = await store.statistics()
    assert statistics.symbols == (
        SymbolCount("ADAUSDT", 1, NOON + timedelta(milliseconds=3)),
        SymbolCount("BTCUSDT", 1, NOON + timedelta(milliseconds=1)),
        SymbolCount("SOLUSDT", 2, NOON + timedelta(milliseconds=2)),
    )
    assert statistics.archived_analyses == 0


async def test_cache_expires_and_archive_does_not(store: Store, clock: SettableClock) -> None:
    now = clock.moment
    clock.moment = now - timedelta(minutes=61)
    await store.save_analysis("key", make_analysis(analysis_id="expired", symbol="OLD"), archive=True)
    clock.moment = now
    await store.save_analysis("key", make_analysis(analysis_id="fresh", symbol="NEW"), archive=True)
    async with asyncio.timeout(PATIENCE_SECONDS):  # MongoDB looks for expired documents once a second here
        while len((statistics := await store.statistics()).symbols) > 1:
            await asyncio.sleep(0.2)
    assert statistics.symbols == (SymbolCount("NEW", 1, NOON),)
    assert statistics.archived_analyses == 2


async def test_candles_come_oldest_first_and_only_the_newest(store: Store) -> None:
    candles = [make_candle(hour * HOUR_MS, 100 + hour) for hour in range(10)]
    await save_candles(store, candles[5:])
    await save_candles(store, candles[:5])
    assert await store.latest_candles("BTCUSDT", Timeframe.H1, 100) == candles
    assert await store.latest_candles("BTCUSDT", Timeframe.H1, 3) == candles[-3:]


async def test_candles_of_several_markets_come_with_one_call(store: Store) -> None:
    hours, days = [make_candle(at * HOUR_MS, 100 + at) for at in range(5)], [make_candle(0, 7.0)]
    await save_candles(store, hours)
    await store.save_candles("ETHUSDT", Timeframe.D1, days)
    limits = {("BTCUSDT", Timeframe.H1): 3, ("ETHUSDT", Timeframe.D1): 9, ("ETHUSDT", Timeframe.H1): 9}
    found = await store.latest_candles_of(limits)
    assert list(found.values()) == [hours[-3:], days, []]
    assert list(found) == list(limits)


async def test_candle_history_gives_the_newest_candles_oldest_first(store: Store) -> None:
    await save_candles(store, [make_candle(hour, 100.0 + hour) for hour in range(5)])
    history = await store.candle_history("BTCUSDT", Timeframe.H1, 3)
    assert history == await store.latest_candles("BTCUSDT", Timeframe.H1, 3)
    assert [candle.close for candle in history] == [102.0, 103.0, 104.0]


async def test_candle_of_the_same_open_time_is_replaced(store: Store) -> None:
    await save_candles(store, [make_candle(0, 100), make_candle(HOUR_MS, 101)])
    await save_candles(store, [make_candle(HOUR_MS, 105)])
    expected = [make_candle(0, 100), make_candle(HOUR_MS, 105)]
    assert await store.latest_candles("BTCUSDT", Timeframe.H1, 10) == expected


async def test_candles_without_an_analysis_are_kept_and_the_new_ones_counted(store: Store) -> None:
    await save_candles(store, [make_candle(2 * HOUR_MS, 102)])
    candles = [make_candle(hour * HOUR_MS, 200 + hour) for hour in range(5)]
    assert await store.save_candles("BTCUSDT", Timeframe.H1, candles) == 4
    assert await store.latest_candles("BTCUSDT", Timeframe.H1, 10) == candles
    assert await store.save_candles("BTCUSDT", Timeframe.H1, candles) == 0
    assert await store.save_candles("BTCUSDT", Timeframe.H4, candles) == 5
    assert await store.save_candles("ETHUSDT", Timeframe.H1, []) == 0
    assert await store.candle_symbols() == ["BTCUSDT"]


async def test_an_unknown_volume_stays_unknown(store: Store) -> None:
    candles = [make_candle(0, 100), make_candle(HOUR_MS, 101)._replace(volume=math.nan)]
    assert await store.save_candles("EURUSD", Timeframe.H1, candles) == 2
    assert await store.save_candles("EURUSD", Timeframe.H1, candles) == 0
    known, unknown = await store.candle_history("EURUSD", Timeframe.H1, 10)
    assert known == candles[0]
    assert unknown[:5] == candles[1][:5]
    assert math.isnan(unknown.volume)


async def test_candles_of_other_symbols_and_timeframes_stay_apart(store: Store) -> None:
    both = {Timeframe.H1: [make_candle(0, 100)], Timeframe.H4: [make_candle(0, 200)]}
    await store.save_analysis("key", make_analysis(), archive=True, candles=both)
    await save_candles(store, [make_candle(0, 300)], "ETHUSDT")
    assert await store.latest_candles("BTCUSDT", Timeframe.H1, 10) == [make_candle(0, 100)]
    assert await store.latest_candles("ADAUSDT", Timeframe.H1, 10) == []
    assert sorted(await store.candle_symbols()) == ["BTCUSDT", "ETHUSDT"]


async def test_without_a_key_the_candles_alone_are_kept(store: Store) -> None:
    candles = {Timeframe.H1: [make_candle(0, 100)]}
    alone = AnalysisWrite(None, make_analysis(analysis_id="of candles"), archive=False, candles=candles)
    await store.save_analyses([alone, AnalysisWrite("key", make_analysis(), archive=True, candles=NO_CANDLES)])
    await store.save_analysis(None, make_analysis(symbol="ETHUSDT"), archive=False, candles=candles)
    statistics = await store.statistics()
    assert (statistics.symbols, statistics.archived_analyses) == ((SymbolCount("BTCUSDT", 1, NOON),), 1)
    assert await store.archived_analysis("of candles") is None
    for symbol in ("BTCUSDT", "ETHUSDT"):
        assert await store.latest_candles(symbol, Timeframe.H1, 10) == candles[Timeframe.H1]


async def test_saving_no_candles_is_no_error(store: Store) -> None:
    await save_candles(store, [])
    assert await store.latest_candles("BTCUSDT", Timeframe.H1, 10) == []
    assert await store.candle_symbols() == []


@given(
    batches=st.lists(
        st.dictionaries(st.integers(0, 12), st.floats(10, 1e12, allow_nan=False), max_size=8), min_size=1, max_size=5
    ),
    limit=st.integers(1, 15),
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_candles_obey_the_law_of_a_dict_updated_in_turn(
    store: Store, batches: list[dict[int, float]], limit: int
) -> None:
    """Every example uses a new symbol, since all examples share the store."""
    symbol = uuid.uuid4().hex
    expected: dict[int, float] = {}
    for batch in batches:
        await save_candles(store, [make_candle(hour, close) for hour, close in batch.items()], symbol)
        expected |= batch
    newest = [make_candle(hour, expected[hour]) for hour in sorted(expected)][-limit:]
    assert await store.latest_candles(symbol, Timeframe.H1, limit) == newest


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_only_text(store: Store, text: str) -> None:
    analysis = make_analysis(analysis_id=text, symbol=text, strategy_scores={text: 0.5}, reasoning=text + " reasoning")
    await store.save_analysis(text, analysis, archive=True, candles={Timeframe.H1: [make_candle(0)]})
    await store.save_analysis("innocent", make_analysis(), archive=False)
    assert await store.latest_analysis(text, NOON, LATER) == analysis
    assert await store.latest_candles(text, Timeframe.H1, 10) == [make_candle(0)]
    statistics = await store.statistics()
    assert {entry.symbol for entry in statistics.symbols} == {text, "BTCUSDT"}


@pytest.mark.parametrize("archive", [False, True])
async def test_text_that_cannot_be_stored_is_refused_as_unstorable(store: Store, archive: bool) -> None:
    with pytest.raises(Unstorable):
        await store.save_analysis("lone surrogate \ud800", make_analysis(), archive=archive)
    await store.ping()
    assert (await store.statistics()).archived_analyses == 0


async def test_an_analysis_of_hundreds_of_candles_is_saved_with_all_of_them(store: Store) -> None:
    counts = {Timeframe.M15: 1, Timeframe.H1: 351, Timeframe.H4: 50}
    candles = {tf: [make_candle(n * tf.ms, 100 + n) for n in range(count)] for tf, count in counts.items()}
    await store.save_analysis("key", make_analysis(), archive=True, candles=candles)
    assert await store.latest_analysis("key", NOON, LATER) == make_analysis()
    assert (await store.statistics()).archived_analyses == 1
    for timeframe, series in candles.items():
        assert await store.latest_candles("BTCUSDT", timeframe, 500) == series
    limits = {Timeframe.M15: 5, Timeframe.H1: 100, Timeframe.D1: 9}
    assert await store.latest_candles_by_timeframe("BTCUSDT", limits) == {
        Timeframe.M15: candles[Timeframe.M15],
        Timeframe.H1: candles[Timeframe.H1][-100:],
        Timeframe.D1: [],
    }


async def test_fifty_saves_at_once_are_all_kept(store: Store) -> None:
    candles = [make_candle(hour * HOUR_MS) for hour in range(20)]
    analyses = [make_analysis(analysis_id=f"a-{number}") for number in range(50)]
    await asyncio.gather(
        *(store.save_analysis("key", a, archive=True, candles={Timeframe.H1: candles}) for a in analyses)
    )
    statistics = await store.statistics()
    assert (statistics.total_analyses, statistics.archived_analyses) == (50, 50)
    assert await store.latest_candles("BTCUSDT", Timeframe.H1, 100) == candles


async def test_data_outlives_the_store_object(build: BuildStore, store: Store) -> None:
    await store.save_analysis("key", make_analysis(), archive=True, candles={Timeframe.H1: [make_candle(0)]})
    await store.close()
    reopened = build()
    await reopened.open()
    try:
        assert await reopened.latest_analysis("key", NOON, LATER) == make_analysis()
        assert await reopened.latest_candles("BTCUSDT", Timeframe.H1, 10) == [make_candle(0)]
        assert (await reopened.statistics()).archived_analyses == 1
    finally:
        await reopened.close()


async def test_opening_twice_is_safe(store: Store) -> None:
    await store.save_analysis("key", make_analysis(), archive=True)
    await store.open()
    await store.ping()
    assert await store.latest_analysis("key", NOON, LATER) == make_analysis()


async def test_store_that_is_not_open_says_so(build: BuildStore) -> None:
    store = build()
    await store.close()
    for close in [False, True]:
        if close:
            await store.open()
            await store.close()
            await store.close()
        with pytest.raises(StorageUnavailable):
            await store.ping()
        with pytest.raises(StorageUnavailable):
            await store.latest_analysis("key", NOON, LATER)
        with pytest.raises(StorageUnavailable):
            await store.save_analysis("key", make_analysis(), archive=True)
        with pytest.raises(StorageUnavailable):
            await save_candles(store, [make_candle(0)])
        with pytest.raises(StorageUnavailable):
            await store.statistics()


async def test_candles_of_a_symbol_are_removed_by_timeframe_or_all_and_no_others(store: Store) -> None:
    series = [make_candle(hour * HOUR_MS) for hour in range(5)]
    by_timeframe = {Timeframe.H1: series, Timeframe.H4: series[:2]}
    for number, symbol in enumerate(("BTCUSDT", "ETHUSDT")):
        analysis = make_analysis(symbol=symbol, analysis_id=f"a-{number}")
        await store.save_analysis(symbol, analysis, archive=True, candles=by_timeframe)
    assert await store.remove_candles("BTCUSDT", Timeframe.H1) == 5
    assert await store.latest_candles("BTCUSDT", Timeframe.H1, 10) == []
    assert await store.latest_candles("BTCUSDT", Timeframe.H4, 10) == series[:2]
    assert await store.remove_candles("ETHUSDT", None) == 7
    assert await store.remove_candles("ETHUSDT", None) == 0
    assert (await store.statistics()).archived_analyses == 2
