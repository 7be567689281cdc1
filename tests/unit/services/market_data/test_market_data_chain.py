"""The chain of sources: order, freshness, and one source for all timeframes."""

from __future__ import annotations

import asyncio
import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analysis import DataSource, MarketSnapshot
from domain.errors import MarketDataUnavailable
from domain.market import Candle, Timeframe
from domain.values import epoch_ms
from services.market_data.fetching import SourceFailed
from tests.fixtures.clocks import NOW, SettableClock
from tests.fixtures.markets import TIMEFRAMES, history
from tests.fixtures.sources import SYMBOL, Behavior, FakeSource, chain, failing, refusal_of


async def test_the_first_source_with_candles_answers_for_all_timeframes_at_the_same_time() -> None:
    first, second = FakeSource(DataSource.ENGINE), FakeSource(DataSource.BINANCE)
    snapshot = await chain(first, second).snapshot(SYMBOL)
    assert snapshot.symbol == SYMBOL
    assert snapshot.source_data is DataSource.ENGINE
    assert {timeframe: list(part.candles) for timeframe, part in snapshot.series.items()} == {
        timeframe: history(timeframe) for timeframe in TIMEFRAMES
    }
    assert first.most_at_once == len(TIMEFRAMES)
    assert second.calls == []


async def test_the_price_is_the_close_of_the_candle_still_forming_in_the_shortest_timeframe() -> None:
    snapshot = await chain(FakeSource(DataSource.BINANCE)).snapshot(SYMBOL)
    assert snapshot.price == history(Timeframe.M15)[-1].close


async def test_the_price_is_the_newest_known_where_only_a_longer_candle_is_still_forming() -> None:
    def behavior(timeframe: Timeframe) -> list[Candle]:
        return history(timeframe, closed_ago=0 if timeframe is Timeframe.H4 else 1)

    snapshot = await chain(FakeSource(DataSource.BINANCE, behavior)).snapshot(SYMBOL)
    assert snapshot.price == history(Timeframe.H4)[-1].close


async def test_the_volume_is_that_of_the_last_24_hours() -> None:
    snapshot = await chain(FakeSource(DataSource.BINANCE)).snapshot(SYMBOL)
    expected = sum(candle.volume for candle in history(Timeframe.M15)[-96:])
    assert snapshot.volume_24h == pytest.approx(expected)


@pytest.mark.parametrize(
    ("timeframes", "used"),
    [((Timeframe.M1, Timeframe.H1), Timeframe.H1), ((Timeframe.M1,), None), ((Timeframe.D1,), None)],
)
async def test_the_volume_comes_from_a_timeframe_that_reaches_back_a_day(
    timeframes: tuple[Timeframe, ...], used: Timeframe | None
) -> None:
    snapshot = await chain(FakeSource(DataSource.BINANCE), timeframes=timeframes).snapshot(SYMBOL)
    expected = None if used is None else sum(candle.volume for candle in history(used)[-24:])
    assert snapshot.volume_24h == (None if expected is None else pytest.approx(expected))


async def test_stale_candles_are_refused_with_their_age() -> None:
    source = FakeSource(DataSource.STORED, lambda timeframe: history(timeframe, moment=NOW - timedelta(hours=5)))
    message = await refusal_of(chain(source))
    # The 15m candle that formed at 9:37 closed at 9:45, 4 h 52 min 31 s ago.
    assert "stored: is stale: its newest 15m candle closed 4.9 h ago, the limit is 30 min" in message


@pytest.mark.parametrize(("closed_ago", "fresh"), [(0, True), (1, True), (2, True), (3, False), (400, False)])
async def test_each_timeframe_is_held_to_its_own_age(closed_ago: int, fresh: bool) -> None:
    def behavior(timeframe: Timeframe) -> list[Candle]:
        return history(timeframe, closed_ago=closed_ago if timeframe is Timeframe.H1 else 0)

    market_data = chain(FakeSource(DataSource.BINANCE, behavior))
    if fresh:
        assert (await market_data.snapshot(SYMBOL)).source_data is DataSource.BINANCE
    else:
        assert "stale: its newest 1h candle" in await refusal_of(market_data)


async def test_candles_from_the_future_are_refused() -> None:
    source = FakeSource(DataSource.BINANCE, lambda timeframe: history(timeframe, moment=NOW + timedelta(minutes=30)))
    assert "newest 15m candle opens 22 min ahead of the server's clock" in await refusal_of(chain(source))


async def test_a_candle_that_opened_by_a_clock_slightly_ahead_is_accepted() -> None:
    clock = SettableClock(NOW.replace(minute=44, second=30))
    source = FakeSource(DataSource.BINANCE, lambda timeframe: history(timeframe, moment=NOW.replace(minute=45)))
    snapshot = await chain(source, clock=clock).snapshot(SYMBOL)
    assert snapshot.newest_candle_ms == epoch_ms(NOW.replace(minute=45, second=0))


async def test_one_full_timeframe_is_enough_and_none_is_not() -> None:
    def thin(most: int) -> Behavior:
        return lambda timeframe: history(timeframe, most if timeframe is Timeframe.M15 else 40)

    assert len((await chain(FakeSource(DataSource.ENGINE, thin(61))).snapshot(SYMBOL)).series) == 3
    message = await refusal_of(chain(FakeSource(DataSource.ENGINE, thin(60))))
    # One of the 60 is still forming.
    assert message.endswith("engine: needs 60 closed candles in at least one timeframe, has 15m: 59, 1h: 39, 4h: 39")


async def test_an_empty_timeframe_sends_the_question_on() -> None:
    partial = FakeSource(DataSource.STORED, lambda t: [] if t is Timeframe.H4 else history(t, price=1.0))
    snapshot = await chain(partial, FakeSource(DataSource.BINANCE)).snapshot(SYMBOL)
    assert snapshot.source_data is DataSource.BINANCE
    assert min(candle.low for part in snapshot.series.values() for candle in part.candles) > 10


@pytest.mark.parametrize("lacking", [lambda _: [], failing(MarketDataUnavailable("has no such candles"))])
async def test_real_candles_of_some_timeframes_go_before_synthetic_ones(lacking: Behavior) -> None:
    def only(*timeframes: Timeframe) -> Behavior:
        return lambda timeframe: history(timeframe) if timeframe in timeframes else lacking(timeframe)

    stored = FakeSource(DataSource.STORED, only(Timeframe.H1))
    engine = FakeSource(DataSource.ENGINE, only(Timeframe.H1, Timeframe.H4))
    binance = FakeSource(DataSource.BINANCE, failing(SourceFailed("cannot be reached")))
    synthetic = FakeSource(DataSource.SYNTHETIC)
    snapshot = await chain(stored, engine, binance, synthetic).snapshot(SYMBOL)
    assert snapshot.source_data is DataSource.ENGINE
    assert list(snapshot.series) == [Timeframe.H1, Timeframe.H4]
    assert synthetic.calls == []
    binance.behavior = history
    assert (await chain(stored, engine, binance).snapshot(SYMBOL)).source_data is DataSource.BINANCE


async def test_some_timeframes_that_are_stale_or_too_few_are_no_market() -> None:
    def only_hours(count: int, closed_ago: int) -> Behavior:
        return lambda t: history(t, count, closed_ago=closed_ago) if t is Timeframe.H1 else []

    few = FakeSource(DataSource.STORED, only_hours(40, 0))
    stale = FakeSource(DataSource.ENGINE, only_hours(100, 9))
    message = await refusal_of(chain(few, stale))
    assert "stored: needs 60 closed candles in at least one timeframe, has 1h: 39" in message
    assert "engine: is stale: its newest 1h candle" in message
    snapshot = await chain(few, stale, FakeSource(DataSource.SYNTHETIC)).snapshot(SYMBOL)
    assert snapshot.source_data is DataSource.SYNTHETIC


async def test_when_all_fail_the_error_names_each_source_and_why() -> None:
    stored = FakeSource(DataSource.STORED, lambda timeframe: [])
    engine = FakeSource(DataSource.ENGINE, failing(SourceFailed("cannot be reached", 30)))
    binance = FakeSource(DataSource.BINANCE, failing(MarketDataUnavailable("knows no symbol BTCUSDT")))
    assert await refusal_of(chain(stored, engine, binance)) == (
        "no market data for BTCUSDT: stored: has no 15m, 1h, 4h candles; engine: cannot be reached; "
        "binance: knows no symbol BTCUSDT"
    )
    assert "no source is configured" in await refusal_of(chain())


@given(outcomes=st.lists(st.sampled_from(["ok", "none", "stale", "failed", "half"]), min_size=1, max_size=3))
def test_real_and_synthetic_candles_never_mix(outcomes: list[str]) -> None:
    def behavior(outcome: str, price: float) -> Behavior:
        def candles(timeframe: Timeframe) -> list[Candle]:
            if outcome == "failed" or (outcome == "half" and timeframe is Timeframe.H1):
                raise SourceFailed("failed")
            count = 0 if outcome == "none" else 100
            return history(timeframe, count, closed_ago=50 if outcome == "stale" else 0, price=price) if count else []

        return candles

    names = (DataSource.STORED, DataSource.ENGINE, DataSource.BINANCE)
    # Prices a thousandfold apart tell whose candles these are.
    real = [
        FakeSource(name, behavior(outcome, 1000.0 ** (index + 1)))
        for index, (name, outcome) in enumerate(zip(names, outcomes, strict=False))
    ]
    synthetic = FakeSource(DataSource.SYNTHETIC, behavior("ok", 1.0))
    snapshot: MarketSnapshot = asyncio.run(chain(*real, synthetic).snapshot(SYMBOL))
    expected = outcomes.index("ok") if "ok" in outcomes else None
    assert snapshot.source_data is (DataSource.SYNTHETIC if expected is None else names[expected])
    thousands = {round(math.log(c.close, 1000)) for part in snapshot.series.values() for c in part.candles}
    assert thousands == {0 if expected is None else expected + 1}


async def test_equal_questions_at_the_same_moment_share_one_fetch() -> None:
    source = FakeSource(DataSource.BINANCE)
    source.hanging, market = {Timeframe.H1}, chain(source)
    asking = [asyncio.create_task(market.snapshot(SYMBOL, (Timeframe.H1,))) for _ in range(5)]
    other = asyncio.create_task(market.snapshot("ETHUSDT", (Timeframe.H1,)))
    await asyncio.sleep(0.01)
    asking.pop().cancel()  # who goes away takes nothing from the others
    source.release.set()
    first, *others = await asyncio.gather(*asking)
    assert all(snapshot is first for snapshot in others)
    assert (await other).symbol == "ETHUSDT"
    assert source.calls == [Timeframe.H1] * 2
    await market.snapshot(SYMBOL, (Timeframe.H1,))
    assert source.calls == [Timeframe.H1] * 3  # nothing is kept


async def test_a_refusal_reaches_all_callers_of_a_shared_request() -> None:
    market = chain(FakeSource(DataSource.BINANCE, failing(SourceFailed("is down"))))
    found = await asyncio.gather(*(market.snapshot(SYMBOL) for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in found] == [MarketDataUnavailable] * 3
