"""The newest closed candles of a market, for people who look at it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from config.settings import Settings
from domain.analysis import DataSource, MarketSnapshot
from domain.arrays import FloatArray
from domain.errors import InvalidRequest, MarketDataUnavailable
from domain.hours.holidays import load_holidays
from domain.hours.trading_hours import needs_holidays
from domain.market import CandleSeries, Timeframe
from domain.timeframe_data import DataAge, data_age
from domain.values import epoch_ms
from features.indicators.technical_indicators import TechnicalIndicators
from features.kernels.candles import Candles
from services.market_data.recent_markets import RecentMarkets
from services.market_data.sources.stored import StoredSource
from storage.ports import CandleStore
from utils.clock import Clock

# Of a symbol and timeframe in one answer.
MAX_CANDLES = 1_000


@dataclass(frozen=True)
class ShownCandles:
    """Closed candles, oldest first.

    Attributes:
        source: Where they came from; `synthetic` ones are for demonstration.
        age: Of the newest, by the server's clock.
        indicators: Those that were asked for, by name, with a value for each candle; None while it warms up.
    """

    symbol: str
    series: CandleSeries
    source: DataSource
    age: DataAge
    indicators: Mapping[str, list[float | None]]


class NewestCandles:
    """Shows posted candles where they are fresh, else those of the sources, else posted ones of any age.

    So a chart has the candles of the analyses, and synthetic ones only where there are no others.
    """

    def __init__(
        self,
        store: CandleStore,
        markets: RecentMarkets,
        indicators: TechnicalIndicators,
        settings: Settings,
        clock: Clock,
    ) -> None:
        """Keep the parts.

        Args:
            store: Has what trusted clients posted.
            markets: Asks the sources, once for several requests.
            indicators: Computes those that are shown, with the periods of the analyses.
            settings: How many candles the sources are asked for, and how many fresh posted ones make that needless.
            clock: The server's clock.
        """
        self._posted = StoredSource(store)
        self._markets = markets
        self._indicators = indicators
        self._most = settings.market_data.candles
        # Fresh posted candles that make it needless to ask the sources.
        self._enough = settings.analysis.min_candles
        self._clock = clock

    async def of(self, symbol: str, timeframe: Timeframe, limit: int, indicators: Collection[str] = ()) -> ShownCandles:
        """Return at most `limit` newest closed candles, with these indicators, which read as many as an analysis.

        Raises:
            InvalidRequest: there is no such indicator.
            UnknownSymbol: no source has such a symbol.
            MarketDataUnavailable: no source has usable candles, and none were posted.
        """
        unknown = sorted(set(indicators) - set(self._indicators.names))
        if unknown:
            known = ", ".join(self._indicators.names)
            raise InvalidRequest(f"there is no indicator {unknown[0]!r}; there are: {known}", "query.indicators")
        if needs_holidays(symbol):
            await asyncio.to_thread(load_holidays)
        shown = await self._newest(symbol, timeframe, max(limit, self._most) if indicators else limit)
        columns = self._indicators.columns(Candles(shown.series.values.T)) if indicators else {}
        values = {name: _known(columns[name][-limit:]) for name in indicators}
        return replace(shown, series=_newest_of(shown.series, limit), indicators=values)

    async def _newest(self, symbol: str, timeframe: Timeframe, limit: int) -> ShownCandles:
        posted = await self._of_store(symbol, timeframe, limit)
        if posted is not None and not posted.age.old and len(posted.series) >= min(limit, self._enough):
            return posted
        try:
            snapshot = await self._markets.snapshot(symbol, timeframe, max(limit, self._most) + 1)
        except MarketDataUnavailable:
            if posted is None:
                raise
            return posted
        if posted is not None and snapshot.source_data is DataSource.SYNTHETIC:
            return posted
        return self._of_sources(snapshot, timeframe, limit)

    async def _of_store(self, symbol: str, timeframe: Timeframe, limit: int) -> ShownCandles | None:
        try:
            found = await self._posted.candles(symbol, timeframe, limit)
        except MarketDataUnavailable:
            return None  # the sources are asked, among them the store, whose health they watch
        series = found.closed_by(epoch_ms(self._clock.now()))
        return self._shown(symbol, series, DataSource.STORED, limit) if len(series) else None

    def _of_sources(self, snapshot: MarketSnapshot, timeframe: Timeframe, limit: int) -> ShownCandles:
        closed = snapshot.closed(epoch_ms(self._clock.now()))[timeframe]
        return self._shown(snapshot.symbol, closed, snapshot.source_data, limit)

    def _shown(self, symbol: str, series: CandleSeries, source: DataSource, limit: int) -> ShownCandles:
        newest = _newest_of(series, limit)
        return ShownCandles(symbol, newest, source, data_age([newest], None, epoch_ms(self._clock.now())), {})


def _newest_of(series: CandleSeries, limit: int) -> CandleSeries:
    return series.part(max(0, len(series) - limit), len(series), series.sessions)


def _known(values: FloatArray) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values.tolist()]
