"""The candles of a market that were known at a moment in the past: stored ones, else those of a source."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import get_args

from config.settings import PagedSource, Settings
from domain.analysis import DataSource, MarketSnapshot, replay
from domain.errors import InsufficientData, MarketDataUnavailable, StorageUnavailable, UnknownSymbol
from domain.hours.holidays import load_holidays
from domain.hours.trading_hours import known_sessions, needs_holidays
from domain.market import CandleSeries, Timeframe
from domain.naming.leaders import leader_of
from domain.naming.symbols import Symbol
from domain.session_finder import with_sessions
from domain.timeframe_data import data_age
from domain.values import epoch_ms, utc_time
from services.market_data.fetching import SourceFailed
from services.market_data.history.paging import Pager
from services.market_data.known_symbols import SourceRefusal
from services.market_data.market_data import MarketData
from services.market_data.parsing import series_of
from services.market_data.replays import require_past
from services.market_data.sources.opening import open_history
from services.market_data.sources.synthetic import SyntheticSource
from storage.ports import CandleStore
from utils.clock import Clock

# Enough for the window of the rules and for what models read before it.
WANTED = 1_000
# Of what leads the market.
LEADER_CANDLES = 200
# More are not read of the store at once; hourly candles have them in five years and a half.
MAX_STORED = 50_000
# A source that does not answer in this time is passed over.
SOURCE_SECONDS = 15.0
# A share trades a fifth of the hours of a week.
_PAUSES = 6
_PAGED: frozenset[str] = frozenset(get_args(PagedSource))


class _Moment:
    """A clock that stands at a moment."""

    def __init__(self, moment_ms: int) -> None:
        self._moment = utc_time(moment_ms)

    def now(self) -> datetime:
        return self._moment


class _OneAttempt:
    """Ends the attempts of a pager with the first that fails: a caller waits for the answer."""

    def __init__(self) -> None:
        self._reason = ""

    def tell(self, reason: str) -> None:
        self._reason = reason.partition(";")[0]

    async def sleep(self, _: float) -> None:
        raise SourceFailed(self._reason)


class PastCandles:
    """Reads closed candles of the past; nothing that closed later is in them."""

    def __init__(self, stored: CandleStore, market_data: MarketData, settings: Settings, clock: Clock) -> None:
        """Keep the store of posted candles, the chain of sources, the settings and the clock."""
        self._stored = stored
        self._market_data = market_data
        self._settings = settings
        self._clock = clock

    async def market(self, symbol: str, timeframes: Sequence[Timeframe], as_of_ms: int) -> MarketSnapshot:
        """Return the market as it was at a moment, from the first that has enough candles of then.

        Asked are the store, the configured sources with a history and, where there is neither such a source nor a
        stored candle of the symbol, the synthetic market.

        Args:
            symbol: Market.
            timeframes: Those of the settings where there are none.
            as_of_ms: The moment, in epoch ms.

        Raises:
            InvalidRequest: the moment has not come yet.
            UnknownSymbol: no source has such a symbol.
            InsufficientData: too few candles had closed by then, as far as they are known.
            MarketDataUnavailable: a source that may have them does not answer.
        """
        require_past(as_of_ms, epoch_ms(self._clock.now()))
        wanted = tuple(timeframes) or self._settings.market_data.timeframes
        refusals: list[SourceRefusal] = []
        for source in self._sources():
            if source is DataSource.SYNTHETIC and not all(isinstance(one.error, UnknownSymbol) for one in refusals):
                continue
            try:
                return await self._of(source, symbol, wanted, as_of_ms)
            except MarketDataUnavailable as refusal:
                refusals.append(SourceRefusal(source, refusal))
        error = await self._market_data.refusal(symbol, refusals)
        failed = any(isinstance(refusal.error, SourceFailed) for refusal in refusals)
        if failed or isinstance(error, UnknownSymbol):
            raise error
        reasons = "; ".join(map(str, refusals))
        raise InsufficientData(f"too few candles of {symbol} are known that had closed by as_of {as_of_ms}: {reasons}")

    async def with_leader(self, sent: MarketSnapshot, as_of_ms: int) -> MarketSnapshot:
        """Return a market of a client with what clients had posted by then of the market that leads it."""
        return await self._with_leader(sent, DataSource.STORED, as_of_ms)

    async def history(
        self, source: DataSource, symbol: str, timeframe: Timeframe, since_ms: int, until_ms: int
    ) -> CandleSeries:
        """Return the candles of one source that open at or after a time and close by another, possibly none.

        Raises:
            UnknownSymbol: the source has no such symbol.
            MarketDataUnavailable: it has no history, or does not answer.
        """
        if needs_holidays(symbol):
            await asyncio.to_thread(load_holidays)
        if source is DataSource.STORED:
            series = await self._of_store(symbol, timeframe, since_ms, until_ms)
        elif source is DataSource.SYNTHETIC:
            series = await self._invented(symbol, timeframe, since_ms, until_ms)
        elif source.value in _PAGED:
            series = await self._of_pages(source, symbol, timeframe, since_ms, until_ms)
        else:
            raise MarketDataUnavailable("its past cannot be read")
        return series.closed_by(until_ms)

    def _sources(self) -> Iterator[DataSource]:
        settings = self._settings.market_data
        paged = [name for name in settings.sources if name in _PAGED and (name != "engine" or settings.engine_url)]
        yield DataSource.STORED
        yield from map(DataSource, paged)
        if not paged and "synthetic" in settings.sources:
            yield DataSource.SYNTHETIC

    async def _of(
        self, source: DataSource, symbol: str, timeframes: Sequence[Timeframe], as_of_ms: int
    ) -> MarketSnapshot:
        found: dict[Timeframe, CandleSeries] = {}
        for timeframe in timeframes:
            found[timeframe] = await self.history(
                source, symbol, timeframe, earliest_ms(symbol, timeframe, as_of_ms), as_of_ms
            )
        limit = self._settings.market_data.max_age_candles
        fresh = {
            timeframe: series
            for timeframe, series in found.items()
            if len(series) and data_age([series], as_of_ms, as_of_ms).lengths <= limit
        }
        needed = self._settings.analysis.min_candles
        if max(map(len, fresh.values()), default=0) < needed:
            had = ", ".join(f"{timeframe}: {len(fresh.get(timeframe, ()))}" for timeframe in timeframes)
            raise MarketDataUnavailable(f"needs {needed} closed candles up to then in one timeframe, has {had}")
        snapshot = replay(symbol, fresh, as_of_ms)
        return await self._with_leader(replace(snapshot, source_data=source), source, as_of_ms)

    async def _with_leader(self, market: MarketSnapshot, source: DataSource, as_of_ms: int) -> MarketSnapshot:
        return replace(market, leader=await self._leader(source, market.symbol, tuple(market.series), as_of_ms))

    async def _leader(
        self, source: DataSource, symbol: str, timeframes: Sequence[Timeframe], as_of_ms: int
    ) -> dict[Timeframe, CandleSeries]:
        """Return what the same source has of the market that leads another; nothing where it has none."""
        leader = leader_of(symbol)
        found: dict[Timeframe, CandleSeries] = {}
        if leader is None or source is DataSource.SYNTHETIC:
            return found
        for timeframe in timeframes:
            try:
                since_ms = as_of_ms - LEADER_CANDLES * timeframe.ms
                found[timeframe] = await self.history(source, leader, timeframe, since_ms, as_of_ms)
            except MarketDataUnavailable:
                return {}
        return found

    async def _of_store(self, symbol: str, timeframe: Timeframe, since_ms: int, until_ms: int) -> CandleSeries:
        span = (epoch_ms(self._clock.now()) - since_ms) // timeframe.ms + 1
        most = max(1, min(MAX_STORED, span))
        try:
            candles = await self._stored.candle_history(symbol, timeframe, most)
            if not candles and not await self._has_some(symbol):
                raise UnknownSymbol(f"has no candles of {symbol}")
        except StorageUnavailable as failure:
            raise SourceFailed(failure.message) from failure
        inside = [candle for candle in candles if since_ms <= candle.timestamp < until_ms]
        return await asyncio.to_thread(series_of, symbol, timeframe, inside, most)

    async def _has_some(self, symbol: str) -> bool:
        return symbol in await self._stored.candle_symbols()

    async def _invented(self, symbol: str, timeframe: Timeframe, since_ms: int, until_ms: int) -> CandleSeries:
        symbols = self._settings.analysis.symbols
        source = SyntheticSource(self._settings.market_data.synthetic_seed, symbols, _Moment(until_ms))
        if lacks := source.lacks(Symbol.of(symbol)):
            raise UnknownSymbol(lacks)
        return await source.candles(symbol, timeframe, min(WANTED, (until_ms - since_ms) // timeframe.ms))

    async def _of_pages(
        self, source: DataSource, symbol: str, timeframe: Timeframe, since_ms: int, until_ms: int
    ) -> CandleSeries:
        attempt = _OneAttempt()
        name: PagedSource = source.value  # type: ignore[assignment]  # one of `_PAGED`
        try:
            async with (
                asyncio.timeout(SOURCE_SECONDS),
                open_history(name, self._settings.market_data, self._clock) as past,
            ):
                pages = Pager(past, attempt.tell, attempt.sleep).pages(symbol, timeframe, since_ms, until_ms)
                candles = [candle async for page in pages for candle in page.candles]
        except TimeoutError as failure:
            raise SourceFailed(f"did not answer in {SOURCE_SECONDS:g} s") from failure
        return with_sessions(symbol, CandleSeries.ordered(timeframe, candles))


def earliest_ms(symbol: str, timeframe: Timeframe, as_of_ms: int) -> int:
    """Return the time since which a market has about `WANTED` candles up to a moment, epoch ms."""
    sessions = known_sessions(symbol)
    pauses = 1 if sessions is None or sessions.continuous or timeframe is Timeframe.D1 else _PAUSES
    return max(0, as_of_ms - WANTED * pauses * timeframe.ms)
