"""The candles that a model reads: closed ones of the market, completed by stored ones where too few."""

from __future__ import annotations

from collections.abc import Sequence

from domain.analysis import DataSource, MarketSnapshot
from domain.candles.columns import CandleLike
from domain.continuity import since_break
from domain.errors import InsufficientData, MarketDataUnavailable
from domain.market import CandleSeries, Timeframe
from domain.values import epoch_ms
from features.columns.feature_sets import FEATURE_SETS
from models.serving.forecaster import Forecaster
from models.serving.forecasts import least_candles
from services.market_data.source import MarketDataSource
from utils.clock import Clock

# Candles of the store that are read at most to complete a market.
MAX_STORED = 5_000


def best_candles(model: Forecaster) -> int:
    """Return the number of candles with which a model answers as with any longer history."""
    return max(FEATURE_SETS[name].history + length - 1 for name, length in model.needs.items())


class ModelCandles:
    """Finds the candles of a market that a model can read."""

    def __init__(self, stored: MarketDataSource, clock: Clock) -> None:
        """Keep the source of posted candles, and the clock that decides which candles have closed."""
        self._stored = stored
        self._clock = clock

    async def history(self, model: Forecaster, snapshot: MarketSnapshot, timeframe: Timeframe) -> CandleSeries:
        """Return the unbroken closed candles up to the newest one of the snapshot.

        With fewer than `best_candles`, stored ones are added as far as they lead up to them or fill a
        hole; where both have a candle, the snapshot's counts. Nothing real is added to synthetic candles.

        Raises:
            InsufficientData: they are fewer than `least_candles`; the message has the numbers.
        """
        own = snapshot.closed(epoch_ms(self._clock.now()))[timeframe]
        history, stored = _unbroken(own), 0
        if own.candles and len(history) < best_candles(model) and snapshot.source_data is not DataSource.SYNTHETIC:
            older = await self._older(snapshot.symbol, own, best_candles(model))
            if older:
                history, stored = _unbroken(_completed(own, older)), len(older)
        least = least_candles(model)
        if len(history) < least:
            raise InsufficientData(
                f"the {model.metadata.type} model needs {least} closed {timeframe} candles without a gap up to the "
                f"newest; there are {len(history)} (received {len(own)}, stored {stored})"
            )
        return history

    async def _older(self, symbol: str, own: CandleSeries, limit: int) -> Sequence[CandleLike]:
        # For a moment in the past, the store has newer candles.
        since = max(0, epoch_ms(self._clock.now()) - own.last_close_ms) // own.timeframe.ms
        try:
            stored = await self._stored.candles(symbol, own.timeframe, min(limit + since, MAX_STORED))
        except MarketDataUnavailable:
            return ()  # the store reports its failure itself
        return [candle for candle in stored.candles if candle.timestamp < own.last_open_ms]


def _completed(own: CandleSeries, older: Sequence[CandleLike]) -> CandleSeries:
    by_time = {candle.timestamp: candle for candle in (*older, *own.candles)}
    return CandleSeries(own.timeframe, [by_time[time] for time in sorted(by_time)], own.sessions)


def _unbroken(series: CandleSeries) -> CandleSeries:
    """Return the newest candles that follow each other without a gap: models are trained on nothing else."""
    return since_break(series, max_hole=0)
