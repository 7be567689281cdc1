"""Candles to train on: closed ones of any age, from the first real source other than the store that has enough."""

from __future__ import annotations

import pytest

from domain.analysis import DataSource
from domain.errors import MarketDataUnavailable
from domain.market import Candle, Timeframe
from services.market_data.fetching import SourceFailed
from tests.fixtures.markets import history
from tests.fixtures.sources import SYMBOL, FakeSource, chain, failing

H1 = Timeframe.H1


def old(timeframe: Timeframe) -> list[Candle]:
    return history(timeframe, closed_ago=5_000)


async def test_first_source_with_enough_closed_candles_answers() -> None:
    sources = [FakeSource(name) for name in (DataSource.ENGINE, DataSource.BINANCE)]
    sources[0].behavior = lambda timeframe: history(timeframe)[-11:]
    found = await chain(*sources).history(SYMBOL, H1, 11, 20_000)
    assert found.source is DataSource.BINANCE
    # The newest is still forming.
    assert list(found.series.candles) == history(H1)[:-1]
    assert (await chain(*sources).history(SYMBOL, H1, 10, 20_000)).source is DataSource.ENGINE
    assert {timeframe for source in sources for timeframe in source.calls} == {H1}


async def test_old_candles_are_good_to_learn_from() -> None:
    found = await chain(FakeSource(DataSource.BINANCE, old)).history(SYMBOL, H1, 60, 20_000)
    assert list(found.series.candles) == old(H1)


async def test_refusal_says_what_each_source_has_and_synthetic_ones_are_not_asked() -> None:
    stored, synthetic = FakeSource(DataSource.STORED), FakeSource(DataSource.SYNTHETIC)
    engine = FakeSource(DataSource.ENGINE, failing(SourceFailed("cannot be reached", 30)))
    binance = FakeSource(DataSource.BINANCE, lambda timeframe: history(timeframe)[-8:])
    market_data = chain(stored, engine, binance, synthetic)
    for reason in ("cannot be reached", "rests"):
        with pytest.raises(MarketDataUnavailable) as refused:
            await market_data.history(SYMBOL, H1, 8, 20_000)
        said = refused.value.message
        assert "binance: has 7 closed candles" in said
        assert "engine: " in said
        assert reason in said
    assert (stored.calls, synthetic.calls, len(engine.calls)) == ([], [], 1)
    with pytest.raises(MarketDataUnavailable, match="no real source other than the store is configured"):
        await chain(stored, synthetic).history(SYMBOL, H1, 8, 20_000)
