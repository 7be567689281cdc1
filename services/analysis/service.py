"""The analysis service: a query in, an analysis out, from the cache where one covers the query."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from config.settings import AnalysisSettings
from domain.analysis import Analysis, MarketSnapshot
from domain.ledger.entries import Origin
from domain.queries import AnalysisQuery
from domain.values import epoch_ms
from rules.reading import require_candles
from rules.strategies import STRATEGY_NAMES
from services.analysis.answer import Answer
from services.analysis.making import AnalysisMaker, MadeAnalysis
from services.analysis.publication import Publication
from services.analysis.recent import RecentAnalyses
from services.guards.guards import Guards
from services.replicas.hints import Hint, Hints
from storage.ports import AnalysisCache
from utils.clock import Clock
from utils.concurrency import SingleFlight

# Is given the market of each analysis that the service makes by itself.
Follow = Callable[[MarketSnapshot], Awaitable[None]]


class AnalysisService:
    """Answers queries from memory, from the store, or by a fresh analysis, in this order."""

    def __init__(
        self,
        *,
        store: AnalysisCache,
        maker: AnalysisMaker,
        guards: Guards,
        publication: Publication,
        hints: Hints,
        follow: Follow,
        settings: AnalysisSettings,
        clock: Clock,
    ) -> None:
        self._store = store
        self._maker = maker
        self._guards = guards
        self._publication = publication
        self._hints = hints
        self._follow = follow
        self._settings = settings
        self._clock = clock
        self._max_age = timedelta(minutes=settings.interval_minutes)
        self.recent = RecentAnalyses(
            self._max_age, settings.max_price_drift_atr, valid_since=lambda: guards.valid_since
        )
        self._flights: SingleFlight[Answer] = SingleFlight()
        hints.when(Hint.CACHE_CLEARED, lambda _: self.recent.clear())

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
        await self._publication.publish(answer, Origin.API, trusted=query.trusted)
        return answer

    async def refresh(self, symbol: str) -> Analysis:
        """Make and broadcast a fresh analysis of a symbol from the market-data sources.

        Raises:
            MarketDataUnavailable: no source gave candles.
        """
        query = AnalysisQuery(symbol, STRATEGY_NAMES, None, epoch_ms(self._clock.now()), trusted=True)
        made = await self._make(query)
        await self._publication.publish(_answer(made), Origin.LOOP, trusted=True)
        await self._follow(made.snapshot)
        return made.analysis

    async def clear_cache(self) -> int:
        """Forget every cached analysis, here and in the store; return the number of those in the store.

        Raises:
            StorageUnavailable: the store could not do it.
        """
        cleared = await self._store.clear_cache()
        self.recent.clear()
        self._hints.tell(Hint.CACHE_CLEARED)
        return cleared

    async def _shared(self, query: AnalysisQuery) -> Answer:
        """Join the running analysis of an equal query, or start one."""
        while True:
            joined = query.cache_key in self._flights
            answer = await self._flights.do(query.cache_key, lambda: self._load_or_make(query))
            if not joined or self.recent.covers(answer.analysis, query):
                return answer

    async def _load_or_make(self, query: AnalysisQuery) -> Answer:
        if query.current:
            now = self._clock.now()
            stored = await self._store.latest_analysis(query.cache_key, not_before=now - self._max_age, not_after=now)
            if stored is not None and self.recent.answers(stored, query, now) and self._guards.agree(stored):
                self.recent.remember(query, stored)
                return Answer(stored, cached=True)
        return _answer(await self._make(query))

    async def _make(self, query: AnalysisQuery) -> MadeAnalysis:
        """Make an analysis, anew where safe mode was switched after its guards were asked."""
        while True:
            made = await self._maker.make(query)
            await self._keep(query, made)
            if self._guards.agree(made.analysis):
                return made

    async def _keep(self, query: AnalysisQuery, made: MadeAnalysis) -> None:
        """Cache a current analysis, archive it where its candles can be believed, and keep candles, however old."""
        analysis, candles = made.analysis, made.kept
        if made.current:
            self.recent.remember(query, analysis)
            await self._store.save_analysis(query.cache_key, analysis, archive=made.believed, candles=candles)
        elif candles:
            await self._store.save_analysis(None, analysis, archive=False, candles=candles)


def _answer(made: MadeAnalysis) -> Answer:
    return Answer(made.analysis, cached=False, current=made.current)
