"""Hit rates of the archived signals of the last weeks, against the prices that followed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.analysis import AnalysisSource
from domain.market import Candle, Timeframe
from domain.values import epoch_ms
from services.ledger.hit_rates import HitRate, Prices, hit_rates
from storage.ports import ArchivedSignal, CandleStore, SignalArchive
from utils.clock import Clock, is_fresh

WINDOW = timedelta(days=30)
# Eight symbols every five minutes make 70,000 signals in the window; reading 20,000 takes at most two seconds.
MAX_SIGNALS = 20_000
MAX_SYMBOLS = 50
_PRICE_TIMEFRAMES = (Timeframe.M15, Timeframe.H1)

_Candles = Mapping[Timeframe, Sequence[Candle]]


@dataclass(frozen=True)
class SignalScores:
    """The measured hit rates.

    Attributes:
        since: Generation of the oldest signal that was read; of the window where there is none.
        signals: Number of signals read, with Neutral ones and those that have not ended.
    """

    since: datetime
    signals: int
    overall: Sequence[HitRate]
    by_source: Mapping[AnalysisSource, Sequence[HitRate]]


class ArchiveScores:
    """Measures at most once per interval; callers in between share the result."""

    def __init__(self, archive: SignalArchive, candles: CandleStore, interval_minutes: float, clock: Clock) -> None:
        self._archive = archive
        self._history = candles
        self._max_age = timedelta(minutes=interval_minutes)
        self._clock = clock
        self._lock = asyncio.Lock()
        self._measured: tuple[datetime, SignalScores] | None = None

    async def measure(self) -> SignalScores:
        """Return the hit rates of the newest signals.

        The price at a horizon is that of a stored candle, or of a later analysis of the same symbol,
        whichever was seen last.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        async with self._lock:
            now = self._clock.now()
            if self._measured is None or not is_fresh(self._measured[0], now, self._max_age):
                self._measured = now, await self._score(now)
            return self._measured[1]

    async def _score(self, now: datetime) -> SignalScores:
        read = await self._archive.archived_signals(now - WINDOW, MAX_SIGNALS)
        most = Counter(signal.symbol for signal in read).most_common(MAX_SYMBOLS)
        candles = {symbol: await self._candles(symbol) for symbol, _ in most}
        return await asyncio.to_thread(_scores, [signal for signal in read if signal.symbol in candles], candles, now)

    async def _candles(self, symbol: str) -> _Candles:
        return {
            timeframe: await self._history.candle_history(
                symbol, timeframe, WINDOW // timedelta(milliseconds=timeframe.ms)
            )
            for timeframe in _PRICE_TIMEFRAMES
        }


def _scores(signals: Sequence[ArchivedSignal], candles: Mapping[str, _Candles], now: datetime) -> SignalScores:
    known = {
        symbol: [(candle.timestamp + timeframe.ms, candle.close) for timeframe, part in own.items() for candle in part]
        for symbol, own in candles.items()
    }
    for signal in signals:
        known[signal.symbol].append((epoch_ms(signal.generated_at), signal.price))
    prices = {symbol: Prices(own) for symbol, own in known.items()}
    now_ms = epoch_ms(now)
    return SignalScores(
        since=min((signal.generated_at for signal in signals), default=now - WINDOW),
        signals=len(signals),
        overall=hit_rates(signals, prices, now_ms),
        by_source={source: hit_rates(_of(source, signals), prices, now_ms) for source in AnalysisSource},
    )


def _of(source: AnalysisSource, signals: Sequence[ArchivedSignal]) -> list[ArchivedSignal]:
    """Return the signals of one source; those of the model are the forecasts in the analyses of other sources."""
    if source is AnalysisSource.MODEL:
        return [replace(signal, signal=signal.forecast) for signal in signals if signal.forecast is not None]
    return [signal for signal in signals if signal.source is source]
