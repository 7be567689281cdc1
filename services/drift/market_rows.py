"""The newest stored candles of the markets of a model, as rows of its features."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from domain.arrays import FloatArray
from domain.continuity import since_break
from domain.forecasting import ANY_SYMBOL, is_shipped_market
from domain.hours.holidays import load_holidays
from domain.hours.trading_hours import needs_holidays
from domain.market import Candle, CandleSeries, Timeframe
from domain.timeframe_data import data_age
from domain.values import epoch_ms
from models.registry.metadata import ModelMetadata
from services.drift.version_references import VersionReference
from services.market_data.fetching import SourceFailed
from services.market_data.parsing import series_of
from storage.ports import CandleStore
from utils.clock import Clock
from utils.concurrency import run_blocking

# Markets of a pooled model that are compared, the first by name.
MAX_MARKETS = 20


@dataclass(frozen=True)
class NewestStoredRows:
    """Rows of now for each reference of a version, or why there are none.

    Attributes:
        rows: One array per reference, shape (n, columns of the reference); empty where no market has enough.
        newest_ms: Close of the newest candle of these, epoch ms; None without any.
        lacking: Why markets do not count, in words; empty where all do.
    """

    rows: tuple[FloatArray, ...]
    newest_ms: int | None
    lacking: str


class DriftCandles:
    """Reads stored candles: those of trusted clients alone, so neither strangers' nor synthetic ones."""

    def __init__(self, store: CandleStore, clock: Clock, executor: Executor) -> None:
        """Keep the store, the server's clock, and the executor that computes."""
        self._store = store
        self._clock = clock
        self._executor = executor

    async def rows(
        self, model: ModelMetadata, others: Collection[str], references: Sequence[VersionReference]
    ) -> NewestStoredRows:
        """Return the newest rows of the market of a version, or of all markets of a pooled one.

        Args:
            model: For `*` all stored markets count but `others`, of one that came with the service coins alone.
            others: Symbols with a model of their own.
            references: Of the version; one or more.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        symbols, timeframe = [model.symbol], model.timeframe
        if model.symbol == ANY_SYMBOL:
            stored = set(await self._store.candle_symbols()) - set(others)
            known = (symbol for symbol in stored if is_shipped_market(symbol) or not model.shipped)
            symbols = sorted(known)[:MAX_MARKETS]
        most = max(reference.wanted for reference in references)
        found: list[tuple[FloatArray, ...]] = []
        newest, lacking = None, []
        for market in symbols:
            candles = await self._store.candle_history(market, timeframe, most)
            series, why = await run_blocking(self._executor, self._usable, market, timeframe, candles, references)
            if series is None:
                lacking.append(f"{market}: {why}")
                continue
            leader = await self._leader(model, market, most)
            found.append(await run_blocking(self._executor, _rows, series, leader, references))
            newest = max(newest or 0, series.last_close_ms)
        rows = tuple(np.concatenate(parts) for parts in zip(*found, strict=True))
        return NewestStoredRows(rows, newest, "; ".join(lacking) or ("" if symbols else "no candles are stored"))

    async def _leader(self, model: ModelMetadata, market: str, count: int) -> CandleSeries | None:
        leader = model.leader(market)
        if leader is None:
            return None
        candles = await self._store.candle_history(leader, model.timeframe, count)
        try:
            return series_of(leader, model.timeframe, candles, count)
        except SourceFailed:
            return None  # the leader's own turn tells what is wrong with them

    def _usable(
        self, symbol: str, timeframe: Timeframe, candles: Sequence[Candle], references: Sequence[VersionReference]
    ) -> tuple[CandleSeries | None, str]:
        if needs_holidays(symbol):
            load_holidays()
        now_ms = epoch_ms(self._clock.now())
        try:
            series = series_of(symbol, timeframe, candles, len(candles) or 1)
        except SourceFailed as failure:
            return None, failure.message
        closed = since_break(series.closed_by(now_ms))
        needed = max(reference.needed for reference in references)
        if len(closed) < needed:
            return None, f"{needed} closed {timeframe} candles without a long hole are needed, {len(closed)} are stored"
        if data_age([closed], None, now_ms).old:
            return None, "its newest stored candle is too old"
        return closed, ""


def _rows(
    series: CandleSeries, leader: CandleSeries | None, references: Sequence[VersionReference]
) -> tuple[FloatArray, ...]:
    return tuple(reference.rows(series, leader) for reference in references)
