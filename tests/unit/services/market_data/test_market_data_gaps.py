"""Short holes in the candles of one source, filled from the next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analysis import DataSource
from domain.continuity import MAX_HOLE_CANDLES
from domain.errors import MarketDataUnavailable
from domain.hours.sessions import AROUND_THE_CLOCK
from domain.market import Candle, CandleSeries, Timeframe
from services.market_data.fetching import SourceFailed
from services.market_data.gaps import fill, fillable_times
from tests.fixtures.markets import TIMEFRAMES, history
from tests.fixtures.sources import SYMBOL, FakeSource, chain, failing

H1 = Timeframe.H1
HOLE = slice(40, 43)


def holed(timeframe: Timeframe) -> list[Candle]:
    """Return candles of which the 1h ones have a hole of three."""
    candles = history(timeframe)
    return candles[: HOLE.start] + candles[HOLE.stop :] if timeframe is H1 else candles


async def test_a_hole_is_filled_from_the_next_source_that_has_the_candles() -> None:
    first, second = FakeSource(DataSource.STORED, holed), FakeSource(DataSource.ENGINE, holed)
    third = FakeSource(DataSource.BINANCE)
    market_data = chain(first, second, third)
    snapshot = await market_data.snapshot(SYMBOL)
    assert snapshot.source_data is DataSource.STORED
    assert list(snapshot.series[H1].candles) == history(H1)
    assert (second.calls, third.calls) == ([H1], [H1])
    assert len(first.calls) == len(TIMEFRAMES)


@pytest.mark.parametrize(("lost", "filled"), [(10, True), (11, False)])
async def test_a_hole_is_filled_up_to_ten_candles(lost: int, filled: bool) -> None:
    whole = history(H1)
    rest = whole[:40] + whole[40 + lost :]
    first = FakeSource(DataSource.STORED, lambda timeframe: rest if timeframe is H1 else history(timeframe))
    second = FakeSource(DataSource.ENGINE)
    snapshot = await chain(first, second).snapshot(SYMBOL)
    assert list(snapshot.series[H1].candles) == (whole if filled else rest)
    assert second.calls == ([H1] if filled else [])


async def test_a_source_that_has_the_same_hole_is_asked_once() -> None:
    first, second = FakeSource(DataSource.ENGINE, holed), FakeSource(DataSource.BINANCE, holed)
    market_data = chain(first, second)
    for _ in range(3):
        assert list((await market_data.snapshot(SYMBOL)).series[H1].candles) == holed(H1)
    assert second.calls == [H1]


async def test_nothing_invented_fills_a_hole_and_a_source_in_trouble_costs_nothing() -> None:
    first, synthetic = FakeSource(DataSource.ENGINE, holed), FakeSource(DataSource.SYNTHETIC)
    broken = FakeSource(DataSource.BINANCE, failing(SourceFailed("cannot be reached", 30)))
    lacking = FakeSource(DataSource.YAHOO, failing(MarketDataUnavailable("knows no symbol")))
    snapshot = await chain(first, broken, lacking, synthetic).snapshot(SYMBOL)
    assert list(snapshot.series[H1].candles) == holed(H1)
    assert synthetic.calls == []


async def test_without_a_hole_no_other_source_is_asked() -> None:
    second = FakeSource(DataSource.BINANCE)
    await chain(FakeSource(DataSource.ENGINE), second).snapshot(SYMBOL)
    assert second.calls == []


@given(st.sets(st.integers(0, 99), max_size=97))
def test_only_short_holes_are_missing_and_a_full_source_fills_them_all(lost: set[int]) -> None:
    whole = history(H1)
    series = CandleSeries(H1, [candle for place, candle in enumerate(whole) if place not in lost])
    holes = fillable_times(series)
    filled = CandleSeries.ordered(H1, fill(series, CandleSeries(H1, whole), holes).candles).of_market(AROUND_THE_CLOCK)
    assert {c.timestamp for c in filled.candles} == {c.timestamp for c in series.candles} | holes
    steps = {b.timestamp - a.timestamp for a, b in zip(filled.candles, filled.candles[1:], strict=False)}
    assert all(step == H1.ms or step > (MAX_HOLE_CANDLES + 1) * H1.ms for step in steps)
