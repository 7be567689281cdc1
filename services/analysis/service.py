"""The analysis service: a query in, an analysis out, from the cache where one covers the query."""

from __future__ import annotations

from datetime import timedelta
from time import perf_counter

from loguru import logger

from config.settings import AnalysisSettings
from domain.analysis import Analysis, DataSource, MarketSnapshot
from domain.errors import CandlesRevised
from domain.ledger.entries import Origin
from domain.market import Timeframe
from domain.queries import AnalysisQuery
from domain.values import epoch_ms
from rules.judgement import judge
from rules.reading import require_candles
from rules.strategies import STRATEGY_NAMES
from services.analysis.analyst import Analyst
from services.analysis.answer import Answer, Follow
from services.analysis.recent import RecentAnalyses
from services.analysis.revisions import Revisions
from services.broadcast.analysis_event import render_signal_event
from services.broadcast.hub import SignalHub
from services.guards.guards import Guards
from services.ledger.recording.recorder import Recorder
from services.market_data.market_data import MarketData
from services.market_reader import MarketReader
from services.replicas.hints import Hint, Hints
from services.webhooks.webhooks import Webhooks
from storage.ports import NO_CANDLES, AnalysisCache
from utils import metrics
from utils.clock import Clock
from utils.concurrency import SingleFlight

NOT_KEPT = "Closed candles of this request were posted before with very different prices: they are not kept."


class AnalysisService:
    """Answers queries: cache, candles, analyst, guards, store, ledger, broadcast, in this order.

    Answers to strangers are not broadcast: only those to trusted callers and the service's own analyses.
    """

    def __init__(
        self,
        *,
        store: AnalysisCache,
        market_data: MarketData,
        reader: MarketReader,
        analyst: Analyst,
        guards: Guards,
        revisions: Revisions,
        hub: SignalHub,
        webhooks: Webhooks,
        hints: Hints,
        recorder: Recorder,
        follow: Follow,
        settings: AnalysisSettings,
        clock: Clock,
    ) -> None:
        self._store = store
        self._market_data = market_data
        self._analyst = analyst
        self._guards = guards
        self._reader = reader
        self._revisions = revisions
        self._hub = hub
        self._webhooks = webhooks
        self._hints = hints
        self._recorder = recorder
        self._follow = follow
        self._settings = settings
        self._clock = clock
        self._max_age = timedelta(minutes=settings.interval_minutes)
        self.recent = RecentAnalyses(
            self._max_age, settings.max_price_drift_atr, valid_since=lambda: guards.valid_since
        )
        self._flights: SingleFlight[Answer] = SingleFlight()
        hints.when(Hint.CACHE_CLEARED, lambda _: self.recent.clear())
        hints.when(Hint.CANDLES_FORGOTTEN, self._forget_known)

    async def analyze(self, query: AnalysisQuery) -> Answer:
        """Return the analysis of a query, and broadcast it where the caller is trusted.

        A cached analysis answers when it covers the query; otherwise one fresh analysis is
        made, shared by all concurrent equal queries. Candles that are old, and those of a replay, are
        always analyzed anew, and the analysis reaches the caller alone.

        Raises:
            InsufficientData: the query's own candles are too few for an analysis.
            MarketDataUnavailable: the query has no candles and no source gave any.
        """
        now = self._clock.now()
        if query.snapshot is not None:
            require_candles(query.snapshot, self._settings, now)
        analysis = self.recent.find(query, now)
        answer = Answer(analysis, cached=True) if analysis else await self._shared(query)
        if query.current:
            self.recent.count(hit=answer.cached)
        metrics.count_analysis(answer.analysis.source, cached=answer.cached)
        self._recorder.given(answer.analysis, Origin.API, trusted=query.trusted)
        if query.trusted:
            await self._give(answer)
        return answer

    async def refresh(self, symbol: str) -> Analysis:
        """Make and broadcast a fresh analysis of a symbol from the market-data sources.

        Raises:
            MarketDataUnavailable: no source gave candles.
        """
        query = AnalysisQuery(symbol, STRATEGY_NAMES, None, epoch_ms(self._clock.now()), trusted=True)
        answer = await self._make(query)
        metrics.count_analysis(answer.analysis.source, cached=False)
        self._recorder.given(answer.analysis, Origin.LOOP, trusted=True)
        await self._give(answer)
        if answer.snapshot is not None:
            await self._follow(answer.snapshot)
        return answer.analysis

    async def clear_cache(self) -> int:
        """Forget every cached analysis, here and in the store; return the number of those in the store.

        Raises:
            StorageUnavailable: the store could not do it.
        """
        cleared = await self._store.clear_cache()
        self.recent.clear()
        self._hints.tell(Hint.CACHE_CLEARED)
        return cleared

    async def forget_candles(self, symbol: str, timeframe: Timeframe | None) -> int:
        """Remove the posted candles of a symbol, of one timeframe or all; return their number. New ones may be posted.

        Raises:
            StorageUnavailable: the store could not do it.
        """
        removed = await self._revisions.forget(symbol, timeframe)
        self._hints.tell(Hint.CANDLES_FORGOTTEN, f"{symbol} {timeframe or ''}")
        return removed

    def _forget_known(self, key: str) -> None:
        """Forget what another replica has removed from the store."""
        symbol, _, timeframe = key.partition(" ")
        self._revisions.forget_known(symbol, Timeframe(timeframe) if timeframe else None)

    async def _shared(self, query: AnalysisQuery) -> Answer:
        """Join the running analysis of an equal query, or start one."""
        while True:
            joined = query.cache_key in self._flights
            answer = await self._flights.do(query.cache_key, lambda: self._load_or_make(query))
            if not joined or self.recent.covers(answer.analysis, query):
                return answer

    async def _load_or_make(self, query: AnalysisQuery) -> Answer:
        if not query.current:
            return await self._make(query)
        now = self._clock.now()
        stored = await self._store.latest_analysis(query.cache_key, not_before=now - self._max_age, not_after=now)
        if stored is not None and self.recent.answers(stored, query, now) and self._guards.agree(stored):
            self.recent.remember(query, stored)
            return Answer(stored, cached=True)
        return await self._make(query)

    async def _make(self, query: AnalysisQuery) -> Answer:
        """Make an analysis, anew where safe mode was switched after its guards were asked."""
        while True:
            answer = await self._make_once(query)
            if self._guards.agree(answer.analysis):
                return answer

    async def _make_once(self, query: AnalysisQuery) -> Answer:
        started = perf_counter()
        snapshot = query.snapshot or await self._market_data.snapshot(query.symbol)
        believed, remark = await self._believed(query, snapshot)
        context = await self._reader.read(snapshot, query.strategies, query.client, query.costs)
        judgement = judge(context)
        analysis = self._guards.check(context, await self._analyst.analyze(judgement)).analysis
        if remark:
            analysis = analysis.model_copy(update={"reasoning": f"{analysis.reasoning} {remark}"})
        current = context.as_of is None and not context.age.old
        if current and believed:
            self._guards.made(context, analysis)
        self._recorder.made(analysis, judgement, believed=believed)
        await self._keep(query, snapshot, analysis, believed=believed, current=current)
        seconds = perf_counter() - started
        metrics.ANALYSIS_DURATION.labels(analysis.source).observe(seconds)
        metrics.PREDICTIONS.labels(analysis.signal).inc()
        metrics.CONFIDENCE.labels(analysis.source).observe(analysis.confidence)
        logger.bind(
            analysis_id=analysis.analysis_id,
            symbol=analysis.symbol,
            timeframe=analysis.timeframe.value,
            signal=analysis.signal.value,
            confidence=analysis.confidence,
            source=analysis.source.value,
            source_data=analysis.source_data.value,
            seconds=round(seconds, 4),
        ).info("analysis completed")
        return Answer(analysis, cached=False, current=current, snapshot=snapshot)

    async def _believed(self, query: AnalysisQuery, snapshot: MarketSnapshot) -> tuple[bool, str]:
        """Return whether candles may be kept for others and analyses of them be scored, and what the answer says of it.

        A stranger's may be invented, synthetic ones are, and a trusted client's may contradict those posted before:
        the caller is answered by them, and none of them is stored among real ones. A replay leaves nothing behind.
        """
        if snapshot.as_of_ms is not None:
            return False, ""
        if snapshot.source_data is not DataSource.CLIENT:
            return snapshot.source_data is not DataSource.SYNTHETIC, ""
        if not query.trusted:
            return False, ""
        now_ms = epoch_ms(self._clock.now())
        try:
            await self._revisions.accept(query.symbol, snapshot.closed(now_ms), now_ms)
        except CandlesRevised as refusal:
            logger.bind(symbol=query.symbol, reason=refusal.message).warning("posted candles are not kept")
            return False, NOT_KEPT
        return True, ""

    async def _keep(
        self, query: AnalysisQuery, snapshot: MarketSnapshot, analysis: Analysis, *, believed: bool, current: bool
    ) -> None:
        """Cache a current analysis, archive it where its candles can be believed, and keep these, however old."""
        candles = NO_CANDLES
        if believed and snapshot.source_data is DataSource.CLIENT:
            closed = snapshot.closed(epoch_ms(analysis.generated_at))
            candles = {timeframe: series.candles for timeframe, series in closed.items()}
        if current:
            self.recent.remember(query, analysis)
            await self._store.save_analysis(query.cache_key, analysis, archive=believed, candles=candles)
        elif candles:
            await self._store.save_analysis(None, analysis, archive=False, candles=candles)

    async def _give(self, answer: Answer) -> None:
        """Remember and broadcast what a trusted caller, or the service itself, is given; only what is current.

        What a socket has heard also reaches the receivers of webhooks: it is kept for them before it is broadcast.
        """
        if answer.current:
            analysis = answer.analysis
            self._guards.give(analysis)
            await self._webhooks.publish(analysis.symbol, lambda: render_signal_event(analysis))
            self._hub.publish(analysis.symbol, lambda: render_signal_event(analysis))
