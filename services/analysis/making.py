"""A fresh analysis: candles, analyst, guards, in this order."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from loguru import logger

from domain.analysis import Analysis, DataSource, MarketSnapshot
from domain.errors import CandlesRevised
from domain.queries import AnalysisQuery
from domain.values import epoch_ms
from rules.judgement import judge
from services.analysis.analyst import Analyst
from services.analysis.revisions import Revisions
from services.guards.guards import Guards
from services.ledger.recording.recorder import Recorder
from services.market_data.market_data import MarketData
from services.market_reader import MarketReader
from storage.ports import NO_CANDLES, CandlesByTimeframe
from utils import metrics
from utils.clock import Clock

NOT_KEPT = "Closed candles of this request were posted before with very different prices: they are not kept."


@dataclass(frozen=True)
class MadeAnalysis:
    """An analysis, and what it was made of.

    Attributes:
        snapshot: The market.
        believed: Whether its candles may be kept for others, and the analysis be archived and scored.
        current: Whether it speaks of the market now, not of old candles or the moment of a replay.
    """

    analysis: Analysis
    snapshot: MarketSnapshot
    believed: bool
    current: bool

    @property
    def posted_candles(self) -> CandlesByTimeframe:
        """The client's closed candles, if they may be kept."""
        if not self.believed or self.snapshot.source_data is not DataSource.CLIENT:
            return NO_CANDLES
        closed = self.snapshot.closed(epoch_ms(self.analysis.generated_at))
        return {timeframe: series.candles for timeframe, series in closed.items()}


class AnalysisMaker:
    """Makes analyses; the recorder and the guards learn of each before anyone is given it."""

    def __init__(
        self,
        market_data: MarketData,
        reader: MarketReader,
        analyst: Analyst,
        guards: Guards,
        revisions: Revisions,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._market_data = market_data
        self._reader = reader
        self._analyst = analyst
        self._guards = guards
        self._revisions = revisions
        self._recorder = recorder
        self._clock = clock

    async def make(self, query: AnalysisQuery) -> MadeAnalysis:
        """Return a fresh analysis of a query, after the guards.

        Raises:
            InsufficientData: the candles are too few for an analysis.
            MarketDataUnavailable: the query has no candles and no source gave any.
        """
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
        _report(analysis, perf_counter() - started)
        return MadeAnalysis(analysis, snapshot, believed, current)

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


def _report(analysis: Analysis, seconds: float) -> None:
    """Log an analysis and, unless it is a replay, measure it."""
    if analysis.as_of is None:
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
