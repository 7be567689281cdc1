"""What models read of markets: closed candles, completed by stored ones where too few, and those of what leads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from domain.analysis import DataSource, MarketSnapshot
from domain.candles.columns import CandleLike
from domain.continuity import since_break
from domain.errors import InsufficientData, MarketDataUnavailable
from domain.market import CandleSeries, Timeframe
from domain.values import epoch_ms
from features.columns.feature_sets import FEATURE_SETS
from models.serving.forecaster import Forecaster
from models.serving.forecasts import least_candles
from services.forecasts.leader_candles import LeaderCandles
from services.market_data.sources.stored import StoredSource
from storage.ports import CandleKey
from utils.clock import Clock

# Candles of the store that are read at most to complete a market.
MAX_STORED = 5_000

# Candles of a market, and those of what leads it.
Market = tuple[CandleSeries, CandleSeries | None]


def best_candles(model: Forecaster) -> int:
    """Return the number of candles with which a model answers as with any longer history."""
    return max(FEATURE_SETS[name].history + length - 1 for name, length in model.needs.items())


@dataclass(frozen=True, eq=False)
class ModelMarket:
    """A model that is asked about a market.

    Attributes:
        timeframe: Of the candles that it reads.
    """

    model: Forecaster
    snapshot: MarketSnapshot
    timeframe: Timeframe


@dataclass(frozen=True, eq=False)
class _Own:
    """The candles that came with a request, and how many stored ones would complete them, 0 where none can."""

    request: ModelMarket
    series: CandleSeries
    unbroken: CandleSeries
    stored: int

    @property
    def key(self) -> CandleKey:
        return self.request.snapshot.symbol, self.request.timeframe


class ModelCandles:
    """Finds the candles of markets that models can read; the store is asked once for all of them."""

    def __init__(self, stored: StoredSource, leaders: LeaderCandles, clock: Clock) -> None:
        """Keep the parts.

        Args:
            stored: Candles that clients posted.
            leaders: Tells those of leading markets.
            clock: Decides which candles have closed.
        """
        self._stored = stored
        self._leaders = leaders
        self._clock = clock

    async def of(self, model: Forecaster, snapshot: MarketSnapshot, timeframe: Timeframe) -> Market:
        """Return the unbroken closed candles up to the newest one of the snapshot, and those of its leader.

        With fewer than `best_candles`, stored ones are added as far as they lead up to them or fill a
        hole; where both have a candle, the snapshot's counts. Nothing real is added to synthetic candles.
        `LeaderCandles.of` tells of what the leader's are.

        Raises:
            InsufficientData: they are fewer than `least_candles`; the message has the numbers.
        """
        (found,) = await self.of_all([ModelMarket(model, snapshot, timeframe)])
        if isinstance(found, InsufficientData):
            raise found
        return found

    async def of_all(self, requests: Sequence[ModelMarket]) -> list[Market | InsufficientData]:
        """Return what `of` does for each request, or the error of one with too few candles."""
        now_ms = epoch_ms(self._clock.now())
        owns = [_own(request, now_ms) for request in requests]
        wanted = [(own.key, own.stored) for own in owns if own.stored]
        for request in requests:
            wanted += self._leaders.wanted(request.model, request.snapshot, request.timeframe)
        stored = await self._read(wanted)
        histories = [_completed(own, stored) for own in owns]
        for request, history in zip(requests, histories, strict=True):
            if isinstance(history, CandleSeries):
                self._leaders.keep(request.snapshot, history)
        return [
            (history, self._leaders.of(request.model, request.snapshot, history, stored))
            if isinstance(history, CandleSeries)
            else history
            for request, history in zip(requests, histories, strict=True)
        ]

    async def leader(self, model: Forecaster, snapshot: MarketSnapshot, history: CandleSeries) -> CandleSeries | None:
        """Return the candles of the leader beside those of a market that are known, as `LeaderCandles.of` does."""
        stored = await self._read(self._leaders.wanted(model, snapshot, history.timeframe))
        return self._leaders.of(model, snapshot, history, stored)

    async def _read(self, wanted: Iterable[tuple[CandleKey, int]]) -> Mapping[CandleKey, CandleSeries]:
        """Return stored candles, at most as many of each market as is wanted of it; none where the store is down."""
        limits = dict[CandleKey, int]()
        for key, limit in wanted:
            limits[key] = max(limit, limits.get(key, 0))
        if not limits:
            return {}
        try:
            return await self._stored.candles_of(limits)
        except MarketDataUnavailable:
            return {}  # the store reports its failure itself


def _own(request: ModelMarket, now_ms: int) -> _Own:
    series, best = request.snapshot.closed(now_ms)[request.timeframe], best_candles(request.model)
    unbroken, stored = _unbroken(series), 0
    if len(series) and len(unbroken) < best and request.snapshot.source_data is not DataSource.SYNTHETIC:
        # For a moment in the past, the store has newer candles.
        since = max(0, now_ms - series.last_close_ms) // request.timeframe.ms
        stored = min(best + since, MAX_STORED)
    return _Own(request, series, unbroken, stored)


def _completed(own: _Own, stored: Mapping[CandleKey, CandleSeries]) -> CandleSeries | InsufficientData:
    history, older = own.unbroken, list[CandleLike]()
    if own.stored and own.key in stored:
        older = [candle for candle in stored[own.key].candles if candle.timestamp < own.series.last_open_ms]
    if older:
        by_time = {candle.timestamp: candle for candle in (*older, *own.series.candles)}
        together = [by_time[time] for time in sorted(by_time)]
        history = _unbroken(CandleSeries(own.series.timeframe, together, own.series.sessions))
    model = own.request.model
    least = least_candles(model)
    if len(history) >= least:
        return history
    return InsufficientData(
        f"the {model.metadata.type} model needs {least} closed {own.series.timeframe} candles without a gap up to the "
        f"newest; there are {len(history)} (received {len(own.series)}, stored {len(older)})"
    )


def _unbroken(series: CandleSeries) -> CandleSeries:
    """Return the newest candles that follow each other without a gap: models are trained on nothing else."""
    return since_break(series, max_hole=0)
