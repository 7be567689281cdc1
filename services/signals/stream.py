"""Signals for many symbols at once: fetch, judge all of them together, filter."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from hashlib import blake2b

from config.settings import SignalSettings
from domain.analysis import DataSource, MarketSnapshot, TradeSignal
from domain.errors import InsufficientData, MarketDataUnavailable, UnknownSymbol
from domain.ledger.entries import Origin
from rules.context import MarketContext
from rules.judgement import Judgement, judge
from rules.strategies import STRATEGY_NAMES
from rules.technical import TechnicalAnalyst
from services.guards.correlation import newest_returns
from services.guards.given_side import GivenSide
from services.guards.guards import Guards
from services.ledger.recording.recorder import Recorder
from services.market_data.market_data import MarketData
from services.market_reader import MarketReader
from services.signals.filters import RETURN_TIMES_MS, Delivery, SignalBook, StreamSignal
from utils import metrics
from utils.clock import Clock
from utils.concurrency import run_blocking

# Markets fetched at the same time: more would be a burst of requests to the source.
FETCHES_AT_ONCE = 8


@dataclass(frozen=True)
class SignalsQuery:
    """A request for signals.

    Attributes:
        symbols: Without repetition.
        snapshots: Candles that the caller sent, by symbol; other symbols are fetched.
        trusted: Whether signals of these candles are shared with other callers.
    """

    symbols: tuple[str, ...]
    snapshots: Mapping[str, MarketSnapshot]
    trusted: bool


class SignalStream:
    """Judges symbols by the rules, with the models in production where there are any; guards and filters follow.

    Fetched markets and the candles of trusted callers share one book. What strangers are given has another one: it
    neither opens a bet for trusted callers nor takes a place of theirs in a minute. A stranger's candles may be
    invented and old ones are no news, so their signals are compared with each other alone and forgotten.
    """

    def __init__(
        self,
        market_data: MarketData,
        reader: MarketReader,
        analyst: TechnicalAnalyst,
        guards: Guards,
        recorder: Recorder,
        settings: SignalSettings,
        clock: Clock,
        executor: Executor,
    ) -> None:
        self._market_data = market_data
        self._reader = reader
        self._analyst = analyst
        self._guards = guards
        self._recorder = recorder
        self._settings = settings
        self._clock = clock
        self._executor = executor
        self._book, self._book_of_strangers = SignalBook(settings), SignalBook(settings)
        self._fetching = asyncio.Semaphore(FETCHES_AT_ONCE)

    async def signals(self, query: SignalsQuery) -> Delivery:
        """Return the signals that pass the filters, and the reason why other symbols have none.

        Raises:
            UnknownSymbol: no source knows any symbol of the query.
            MarketDataUnavailable: no market of the query could be fetched, and no candles were sent.
        """
        fetched, failures = await self._fetched([symbol for symbol in query.symbols if symbol not in query.snapshots])
        if failures and len(failures) == len(query.symbols):
            known = [error for error in failures.values() if not isinstance(error, UnknownSymbol)]
            raise next(iter(known or failures.values()))
        sent, thin = await self._judged(
            [query.snapshots[symbol] for symbol in query.symbols if symbol in query.snapshots]
        )
        now = self._clock.now()
        reasons = {symbol: error.message for symbol, error in failures.items()}
        shared = [signal for signal in sent if query.trusted and not signal.old]
        own = [signal for signal in sent if not query.trusted or signal.old]
        book = self._book if query.trusted else self._book_of_strangers
        books = [(book, [*fetched, *shared]), (SignalBook(self._settings), own)]
        delivered = [(book.deliver(signals, now), book) for book, signals in books]
        deliveries = await asyncio.gather(*(self._with_returns(*delivery) for delivery in delivered))
        for delivery in deliveries:
            self._record([*fetched, *sent], delivery, trusted=query.trusted)
        if query.trusted:
            self._remember(deliveries[0])
        return Delivery(
            [signal for delivery in deliveries for signal in delivery.signals],
            {**reasons, **thin, **{key: why for delivery in deliveries for key, why in delivery.withheld.items()}},
        )

    async def _fetched(self, symbols: Sequence[str]) -> tuple[list[StreamSignal], dict[str, MarketDataUnavailable]]:
        """Return the signals of fetched markets, recent ones from the book, and why others have none."""
        now = self._clock.now()
        valid_since = self._guards.valid_since
        found_recent = [signal for symbol in symbols if (signal := self._book.recent(symbol, now))]
        recent = [signal for signal in found_recent if signal.at >= valid_since]
        metrics.ML_CACHE_HITS.inc(len(recent))
        known = {signal.symbol for signal in recent}
        wanted = [symbol for symbol in symbols if symbol not in known]
        found = await asyncio.gather(*map(self._fetch, wanted))
        fresh, thin = await self._judged([market for market in found if isinstance(market, MarketSnapshot)])
        for signal in fresh:
            self._book.remember(signal)
        failures = {
            symbol: error
            for symbol, error in zip(wanted, found, strict=True)
            if isinstance(error, MarketDataUnavailable)
        }
        return [*recent, *fresh], failures | {symbol: MarketDataUnavailable(why) for symbol, why in thin.items()}

    async def _fetch(self, symbol: str) -> MarketSnapshot | MarketDataUnavailable:
        """Return the market of a symbol, or the reason why there is none."""
        async with self._fetching:
            try:
                # One of them may still be forming.
                return await self._market_data.snapshot(symbol, (self._settings.timeframe,), self._settings.candles + 1)
            except MarketDataUnavailable as error:
                return error

    async def _judged(self, snapshots: Sequence[MarketSnapshot]) -> tuple[list[StreamSignal], dict[str, str]]:
        """Return the signals of markets, computed off the event loop, and the symbols with too few candles."""
        if not snapshots:
            return [], {}
        found = await self._reader.read_many(snapshots, STRATEGY_NAMES)
        thin = {
            snapshot.symbol: read.message
            for snapshot, read in zip(snapshots, found, strict=True)
            if isinstance(read, InsufficientData)
        }
        contexts = [read for read in found if isinstance(read, MarketContext)]
        assessed = await run_blocking(self._executor, self._assessed, contexts)
        return [self._guarded(*answer) for answer in assessed], thin

    async def _with_returns(self, delivery: Delivery, book: SignalBook) -> Delivery:
        """Return the delivery with what models expect: nothing is asked of signals that are withheld."""
        signals = await asyncio.gather(*(self._told(signal) for signal, _ in delivery.signals))
        for signal in signals:
            book.keep_returns(signal)
        return replace(
            delivery,
            signals=[(signal, repeated) for signal, (_, repeated) in zip(signals, delivery.signals, strict=True)],
        )

    async def _told(self, signal: StreamSignal) -> StreamSignal:
        if signal.predicted_returns is not None:
            return signal
        return replace(signal, predicted_returns=await self._reader.returns(signal.context, RETURN_TIMES_MS))

    def _assessed(self, contexts: Sequence[MarketContext]) -> list[tuple[Judgement, StreamSignal]]:
        judgements = [judge(context) for context in contexts]
        return [(judgement, _signal(judgement.context, self._analyst.signal(judgement))) for judgement in judgements]

    def _guarded(self, judgement: Judgement, signal: StreamSignal) -> StreamSignal:
        guarded = self._guards.check(judgement.context, signal.answer)
        self._recorder.prepare(guarded.answer, judgement, believed=True)
        return replace(signal, answer=guarded.answer, refusal=guarded.refusal)

    def _record(self, signals: Sequence[StreamSignal], delivery: Delivery, *, trusted: bool) -> None:
        """Write down what is delivered, and what is withheld: a guard's refusal is an answer, a filter's is none."""
        for signal, _ in delivery.signals:
            self._recorder.record(signal.answer, Origin.STREAM, trusted=trusted)
        for signal in signals:
            if signal.symbol in delivery.withheld:
                refused = signal.refusal is not None
                self._recorder.record(signal.answer, Origin.STREAM, trusted=trusted, delivered=refused)

    def _remember(self, delivery: Delivery) -> None:
        """Have the guards remember what a trusted caller is given and was not given before."""
        for signal, repeated in delivery.signals:
            if not repeated and signal.source_data is not DataSource.SYNTHETIC:
                size = signal.risk_metrics["position_size"]
                side = GivenSide(
                    signal.symbol, signal.timeframe, signal.direction, signal.at, size, signal.times, signal.returns
                )
                self._guards.remember(side)


def _signal(context: MarketContext, answer: TradeSignal) -> StreamSignal:
    times, returns = newest_returns(context.main.series)
    return StreamSignal(
        symbol=context.symbol,
        direction=answer.signal,
        confidence=answer.confidence,
        risk_metrics=_risk_metrics(context, answer),
        at=context.generated_at,
        features_hash=_features_hash(context),
        timeframe=context.primary,
        model_type=answer.model_type,
        source_data=context.source_data,
        price=context.price,
        old=context.age.old,
        times=times,
        returns=returns,
        answer=answer,
        context=context,
    )


def _risk_metrics(context: MarketContext, answer: TradeSignal) -> dict[str, float]:
    """Return the known figures of the risk: shares and fractions, prices of stop and target."""
    risk, forecast = answer.risk_assessment, context.forecast
    metrics = {
        "technical_risk": risk.technical_risk,
        "market_risk": risk.market_risk,
        "position_size": risk.recommended_position_size,
        "volatility": context.main.range_percent / 100,
    }
    if risk.stop_loss_suggestion is not None and risk.take_profit_suggestion is not None:
        metrics |= {"stop_loss": risk.stop_loss_suggestion, "take_profit": risk.take_profit_suggestion}
    for name, values in (
        ("expected_drawdown", forecast.expected_drawdowns if forecast else {}),
        ("expected_rally", forecast.expected_rallies if forecast else {}),
    ):
        metrics |= {f"{name}_{n * context.primary.ms // 60_000}m": value for n, value in values.items()}
    return metrics


def _features_hash(context: MarketContext) -> int:
    """Return 53 bits, which a browser reads exactly, of all indicators of the newest closed candles."""
    known = blake2b(context.symbol.encode(), digest_size=8)
    for timeframe, part in context.timeframes.items():
        known.update(" ".join([timeframe, *part.latest]).encode() + array("d", part.latest.values()).tobytes())
    return int.from_bytes(known.digest(), "big") >> 11
