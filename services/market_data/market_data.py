"""The chain of market-data sources: the first one with usable candles of all timeframes answers, alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from cachetools import LRUCache
from loguru import logger

from config.settings import MarketDataSettings
from domain.analysis import DataSource, MarketSnapshot
from domain.errors import MarketDataUnavailable, UnknownSymbol
from domain.hours.holidays import load_holidays
from domain.hours.trading_hours import needs_holidays
from domain.market import CandleSeries, Timeframe
from domain.naming.symbols import Symbol
from domain.timeframe_data import day_volume, newest_price
from domain.values import epoch_ms
from services.market_data.all_timeframes import candles_of
from services.market_data.fetching import REST_SECONDS, SourceFailed
from services.market_data.gaps import fill, fillable_times
from services.market_data.health import SourceHealth
from services.market_data.history.answers import WITHOUT_HISTORY, MarketHistory, asked_candles, history_of
from services.market_data.known_symbols import KnownSymbols, SourceRefusal
from services.market_data.snapshots import require_enough, require_fresh
from services.market_data.source import MarketDataSource
from utils import metrics
from utils.clock import Clock
from utils.concurrency import SingleFlight
from utils.tracing import span

# Remembered holes that a source has too.
MAX_KNOWN_HOLES = 10_000
_Hole = tuple[DataSource, str, Timeframe, int]


@dataclass(frozen=True)
class _Wanted:
    """The request to every source."""

    symbol: str
    timeframes: tuple[Timeframe, ...]
    candles: int


class MarketData:
    """Asks sources in order; one source gives all timeframes, and real and synthetic candles never mix.

    Only short holes in its candles are filled from the sources after it. If no real source has all timeframes, the one
    that has most of them answers.

    A source that cannot be reached, or reports a rate limit, rests before it is asked again:
    a cycle over many symbols waits for it once.
    """

    def __init__(
        self,
        sources: Sequence[MarketDataSource],
        settings: MarketDataSettings,
        min_candles: int,
        symbols: Collection[str],
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the sources in their order.

        Args:
            sources: First choice first.
            settings: Timeframes, number of candles, time limit and greatest age.
            min_candles: Closed candles that at least one timeframe needs.
            symbols: Those of the configuration.
            clock: The server's clock, by which candles are fresh or stale.
            monotonic: Seconds that never jump back, for the rests of sources.
        """
        self._sources = tuple(sources)
        self._settings = settings
        self._min_candles = min_candles
        self._known = KnownSymbols(symbols, self._sources)
        self._clock = clock
        self._health = {source.name: SourceHealth(source.name, monotonic) for source in self._sources}
        self._flights: SingleFlight[MarketSnapshot] = SingleFlight()
        self._synthetic_announced = False
        self._unfillable: LRUCache[_Hole, None] = LRUCache(MAX_KNOWN_HOLES)

    def health(self) -> dict[str, bool | None]:
        """Return by source, in order, whether it works; None while it was never asked."""
        return {name.value: health.works for name, health in self._health.items()}

    async def snapshot(
        self, symbol: str, timeframes: Sequence[Timeframe] = (), candles: int | None = None
    ) -> MarketSnapshot:
        """Return the market of a symbol from the first source with usable candles; concurrent equal requests share one.

        Args:
            symbol: Market.
            timeframes: Those of the settings by default; some are missing if no real source has all.
            candles: Number per timeframe, with those still forming; that of the settings by default.

        Raises:
            UnknownSymbol: no source has such a symbol; the message has those that are near.
            MarketDataUnavailable: no source has usable candles; the message has the reason of each.
        """
        wanted = _Wanted(symbol, tuple(timeframes) or self._settings.timeframes, candles or self._settings.candles)
        with span("market data", symbol=symbol) as step:
            snapshot = await self._flights.do(wanted, lambda: self._find(wanted))
            step.note(source_data=snapshot.source_data.value)
            return snapshot

    async def _find(self, wanted: _Wanted) -> MarketSnapshot:
        refusals, parts = list[SourceRefusal](), list[tuple[int, MarketSnapshot]]()
        for position, source in enumerate(self._sources):
            if parts and source.name is DataSource.SYNTHETIC:
                continue
            try:
                snapshot = await self._ask_snapshot(source, wanted)
            except MarketDataUnavailable as error:
                refusals.append(SourceRefusal(source.name, error))
            else:
                parts.append((position, snapshot))
                if len(snapshot.series) == len(wanted.timeframes):
                    break
        if not parts:
            raise await self._known.refusal(wanted.symbol, refusals)
        position, snapshot = max(parts, key=lambda part: len(part[1].series))
        if snapshot.source_data is DataSource.SYNTHETIC and not self._synthetic_announced:
            self._synthetic_announced = True  # once: every analysis names the source of its candles
            logger.bind(symbol=wanted.symbol, refusals=list(map(str, refusals))).warning("synthetic market data in use")
        return await self._without_holes(snapshot, self._sources[position + 1 :], wanted)

    async def history(self, symbol: str, timeframe: Timeframe, enough: int, most: int) -> MarketHistory:
        """Return closed candles of any age from the first real source other than the store that has enough.

        Args:
            symbol: Market.
            timeframe: Length of a candle.
            enough: Number of closed candles that are needed.
            most: Number of closed candles that are of use.

        Raises:
            UnknownSymbol: no source has such a symbol, and the store neither.
            MarketDataUnavailable: no source has enough; the message says how many each has.
        """
        refusals: list[SourceRefusal] = []
        for source in self._sources:
            if source.name in WITHOUT_HISTORY:
                continue
            try:
                answered = await self._ask(source, _Wanted(symbol, (timeframe,), asked_candles(source.name, most)))
            except MarketDataUnavailable as refusal:
                refusals.append(SourceRefusal(source.name, refusal))
                continue
            found = history_of(source.name, answered[timeframe], epoch_ms(self._clock.now()), most)
            usable = found.more or len(found.series) >= enough
            _count(source, "ok" if usable else "refused")
            if usable:
                return found
            few = f"has {len(found.series)} closed candles"
            refusals.append(SourceRefusal(source.name, MarketDataUnavailable(few)))
        error = await self._known.refusal(symbol, refusals)
        if isinstance(error, UnknownSymbol):
            raise error
        reasons = "; ".join(map(str, refusals))
        raise MarketDataUnavailable(reasons or "no real source other than the store is configured")

    async def refusal(self, symbol: str, refusals: Sequence[SourceRefusal]) -> MarketDataUnavailable:
        """Return the error to raise where no source gave candles of a symbol; see `KnownSymbols.refusal`."""
        return await self._known.refusal(symbol, refusals)

    async def _without_holes(
        self, snapshot: MarketSnapshot, sources: Sequence[MarketDataSource], wanted: _Wanted
    ) -> MarketSnapshot:
        """Return the snapshot with its short holes filled as far as the other sources have the candles."""
        series = dict(snapshot.series)
        for timeframe in series:
            for source in sources:
                if source.name is not DataSource.SYNTHETIC:
                    series[timeframe] = await self._filled(series[timeframe], source, wanted)
        return replace(snapshot, series=series, volume_24h=day_volume(series, epoch_ms(self._clock.now())))

    async def _filled(self, series: CandleSeries, source: MarketDataSource, wanted: _Wanted) -> CandleSeries:
        """Return the series with its holes filled as far as one source can; it is asked once per hole."""
        market = (source.name, wanted.symbol, series.timeframe)
        holes = {hole for hole in fillable_times(series) if (*market, hole) not in self._unfillable}
        if not holes:
            return series
        try:
            found = await self._ask(source, replace(wanted, timeframes=(series.timeframe,)))
        except MarketDataUnavailable:
            return series
        series = fill(series, found[series.timeframe], holes)
        for hole in holes & fillable_times(series):
            self._unfillable[*market, hole] = None
        return series

    async def _ask_snapshot(self, source: MarketDataSource, wanted: _Wanted) -> MarketSnapshot:
        series = await self._ask(source, wanted)
        try:
            snapshot = self._snapshot(source, wanted.symbol, series)
        except MarketDataUnavailable:
            _count(source, "refused")
            raise
        _count(source, "ok")
        return snapshot

    async def _ask(self, source: MarketDataSource, wanted: _Wanted) -> dict[Timeframe, CandleSeries]:
        """Return the candles of one source, if it can have such a symbol, and record its health."""
        if lacks := source.lacks(Symbol.of(wanted.symbol)):
            raise UnknownSymbol(lacks)
        health = self._health[source.name]
        if rests := health.resting():
            raise SourceFailed(rests)
        if needs_holidays(wanted.symbol):
            await asyncio.to_thread(load_holidays)
        try:
            series = await self._fetch_in_time(source, wanted)
        except SourceFailed as failure:
            health.failed(failure)
            _count(source, "failed")
            raise
        except MarketDataUnavailable:
            health.answered()
            _count(source, "refused")
            raise
        health.answered()
        return series

    async def _fetch_in_time(self, source: MarketDataSource, wanted: _Wanted) -> dict[Timeframe, CandleSeries]:
        seconds = self._settings.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                return await candles_of(source, wanted.symbol, wanted.timeframes, wanted.candles)
        except TimeoutError as error:
            raise SourceFailed(f"did not answer in {seconds:g} s", REST_SECONDS) from error

    def _snapshot(self, source: MarketDataSource, symbol: str, series: dict[Timeframe, CandleSeries]) -> MarketSnapshot:
        now_ms = epoch_ms(self._clock.now())
        filled = {timeframe: candles for timeframe, candles in series.items() if len(candles)}
        if not filled:
            raise UnknownSymbol(f"has no {', '.join(series)} candles")
        require_fresh(filled, now_ms, self._settings.max_age_candles)
        require_enough(filled, now_ms, self._min_candles)
        return MarketSnapshot(symbol, filled, newest_price(filled, now_ms), day_volume(filled, now_ms), source.name)


def _count(source: MarketDataSource, outcome: str) -> None:
    metrics.MARKET_DATA_REQUESTS.labels(source.name, outcome).inc()
