"""Filters of a signal stream: confidence, signals per minute, correlated bets, repetitions."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cachetools import FIFOCache

from config.settings import SignalSettings
from domain.analysis import DataSource, TradeSignal
from domain.arrays import FloatArray, IntArray
from domain.market import Timeframe
from domain.trading.plans import exits_fit
from domain.values import Signal
from rules.context import MarketContext
from services.forecasts.horizon_returns import ReturnsByTime
from services.guards.correlation import likenesses
from utils.clock import is_fresh

MAX_SYMBOLS = 1_000
# Over which a signal tells what models expect: 15 minutes, 1, 4 and 12 hours.
RETURN_TIMES_MS = tuple(minutes * 60_000 for minutes in (15, 60, 240, 720))
_MINUTE_SECONDS = 60.0


@dataclass(frozen=True, eq=False)
class StreamSignal:
    """A signal of the stream, with the returns by which it is compared with others.

    Attributes:
        confidence: 0..1.
        risk_metrics: Finite numbers by name.
        features_hash: Equal for equal features of a symbol, 0..2^53-1.
        model_type: The rules, or rules and model, that judged.
        price: Current price in quote currency when it was judged.
        old: Whether the candles are too old for news.
        times: Shape (n,), closes of the newest candles in epoch ms.
        returns: Shape (n,), their logarithmic returns.
        answer: After the guards.
        context: What was judged.
        refusal: What a guard refuses it for; it is withheld then.
        predicted_returns: Of each time of `RETURN_TIMES_MS` that a model tells, and why the others have none; None
            until the signal is delivered.
    """

    symbol: str
    direction: Signal
    confidence: float
    risk_metrics: Mapping[str, float]
    at: datetime
    features_hash: int
    timeframe: Timeframe
    model_type: str
    source_data: DataSource
    price: float
    old: bool
    times: IntArray
    returns: FloatArray
    answer: TradeSignal
    context: MarketContext
    refusal: str | None = None
    predicted_returns: ReturnsByTime | None = None

    @property
    def side(self) -> int:
        """1 of Long, -1 of Short, 0 of Neutral."""
        return self.direction.side

    def fits(self, price: float) -> bool:
        """Return whether at this price the stop is on the losing side and the target on the winning one."""
        exits = self.risk_metrics
        return exits_fit(self.side, price, exits.get("stop_loss"), exits.get("take_profit"))


@dataclass(frozen=True)
class Delivery:
    """Signals that are sent, each with whether it is repeated, and by symbol the reason why others are withheld."""

    signals: list[tuple[StreamSignal, bool]]
    withheld: dict[str, str]


class SignalBook:
    """Remembers recently computed signals and sent ones, which stay open for a while."""

    def __init__(self, settings: SignalSettings, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Begin empty; `monotonic` gives seconds that never jump back, for the limit per minute."""
        self._settings = settings
        self._monotonic = monotonic
        # Forgotten first: the symbol whose signal was set longest ago.
        self._computed: FIFOCache[str, StreamSignal] = FIFOCache(MAX_SYMBOLS)
        self._sent: FIFOCache[str, StreamSignal] = FIFOCache(MAX_SYMBOLS)
        self._sent_at: deque[float] = deque()

    def recent(self, symbol: str, now: datetime) -> StreamSignal | None:
        """Return the signal of a symbol that was computed within `cache_minutes`."""
        found = self._computed.get(symbol)
        max_age = timedelta(minutes=self._settings.cache_minutes)
        return found if found is not None and is_fresh(found.at, now, max_age) else None

    def remember(self, signal: StreamSignal) -> None:
        """Keep a computed signal, sent or not."""
        self._computed[signal.symbol] = signal

    def keep_returns(self, signal: StreamSignal) -> None:
        """Keep the returns of a signal that was sent, for its repetitions; a later signal of its symbol stays."""
        if (sent := self._sent.get(signal.symbol)) is not None and sent.at == signal.at:
            self._sent[signal.symbol] = signal

    def deliver(self, signals: Iterable[StreamSignal], now: datetime) -> Delivery:
        """Return the signals to send, Long and Short by falling confidence first, and remember them as sent.

        A signal with the same features as the symbol's last one repeats it and is not counted again, unless the price
        has passed its stop or target since, or the clock was set back before it.
        """
        delivery = Delivery([], {})
        for signal in sorted(signals, key=lambda candidate: (candidate.side == 0, -candidate.confidence)):
            last = self._sent.get(signal.symbol)
            if signal.refusal:
                delivery.withheld[signal.symbol] = signal.refusal
            elif last is not None and _repeats(last, signal, now):
                delivery.signals.append((last, True))
            elif reason := self._refusal(signal, now):
                delivery.withheld[signal.symbol] = reason
            else:
                self._sent[signal.symbol] = signal
                self._sent_at.append(self._monotonic())
                delivery.signals.append((signal, False))
        return delivery

    def _refusal(self, signal: StreamSignal, now: datetime) -> str | None:
        """Return the reason of the filter that withholds the signal, or None."""
        settings = self._settings
        if signal.confidence < settings.min_confidence:
            return f"confidence {signal.confidence:.2f} is under {settings.min_confidence:g}"
        opened = self._open(signal, now)
        for open_signal, alike in zip(opened, likenesses(signal, opened).tolist(), strict=True):
            if alike > settings.max_correlation:
                return (
                    f"the same bet as the open {open_signal.direction} of {open_signal.symbol}: "
                    f"correlation {alike:.2f} is over {settings.max_correlation:g}"
                )
        while self._sent_at and self._monotonic() - self._sent_at[0] >= _MINUTE_SECONDS:
            self._sent_at.popleft()
        if len(self._sent_at) >= settings.max_signals_per_minute:
            return f"{settings.max_signals_per_minute} signals went out within the last minute"
        return None

    def _open(self, signal: StreamSignal, now: datetime) -> list[StreamSignal]:
        """Return the open Long and Short signals of other symbols; a later signal of a symbol ends its earlier one."""
        if not signal.side:
            return []
        since = now - timedelta(minutes=self._settings.open_minutes)
        return [
            sent
            for sent in self._sent.values()
            if sent.side and since < sent.at <= now and sent.symbol != signal.symbol
        ]


def _repeats(last: StreamSignal, signal: StreamSignal, now: datetime) -> bool:
    """Return whether a signal repeats the symbol's last one, and that one still holds."""
    return last.features_hash == signal.features_hash and last.at <= now and last.fits(signal.price)
