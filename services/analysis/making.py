"""A fresh analysis: candles, analyst, guards, in this order."""

from __future__ import annotations

from collections.abc import Sequence
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

CONTRADICTED = "Closed candles of this request were posted before with very different prices: they are not kept."


@dataclass(frozen=True)
class MadeAnalysis:
    """An analysis, and what it was made of.

    Attributes:
        snapshot: The market.
        believed: Whether the analysis may be archived and scored.
        kept: Closed candles of the client that others may read.
        current: Whether it speaks of the market now, not of old candles or the moment of a replay.
    """

    analysis: Analysis
    snapshot: MarketSnapshot
    believed: bool
    kept: CandlesByTimeframe
    current: bool


@dataclass(frozen=True)
class _Trust:
    """Whether an analysis of some candles may be archived and scored, which of them are kept, what the answer says."""

    believed: bool
    kept: CandlesByTimeframe
    remark: str = ""


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
        trust = await self._trust(query, snapshot)
        context = await self._reader.read(snapshot, query.strategies, query.client, query.costs)
        judgement = judge(context)
        analysis = self._guards.check_explained(context, await self._analyst.analyze(judgement))
        if trust.remark:
            analysis = analysis.model_copy(update={"reasoning": f"{analysis.reasoning} {trust.remark}"})
        current = context.as_of is None and not context.age.old
        if current and trust.believed:
            self._guards.prepare(context, analysis)
        self._recorder.prepare(analysis, judgement, believed=trust.believed)
        _report(analysis, perf_counter() - started)
        return MadeAnalysis(analysis, snapshot, trust.believed, trust.kept, current)

    async def _trust(self, query: AnalysisQuery, snapshot: MarketSnapshot) -> _Trust:
        """Return what may be done with candles and their analysis beside answering the caller.

        A stranger's may be invented, synthetic ones are, and a trusted client's may contradict those posted before:
        none of them is stored among real ones. A replay leaves nothing behind.
        """
        if snapshot.as_of_ms is not None:
            return _Trust(False, NO_CANDLES)
        if snapshot.source_data is not DataSource.CLIENT:
            return _Trust(snapshot.source_data is not DataSource.SYNTHETIC, NO_CANDLES)
        if not query.trusted:
            return _Trust(False, NO_CANDLES)
        now_ms = epoch_ms(self._clock.now())
        closed = snapshot.closed(now_ms)
        try:
            accepted = await self._revisions.accept(query.symbol, closed, now_ms)
        except CandlesRevised as refusal:
            logger.bind(symbol=query.symbol, reason=refusal.message).warning("posted candles are not kept")
            return _Trust(False, NO_CANDLES, CONTRADICTED)
        kept = {timeframe: series.candles for timeframe, series in accepted.items()}
        apart = [timeframe.value for timeframe, series in closed.items() if len(series) and timeframe not in accepted]
        return _Trust(True, kept, _apart(apart) if apart else "")


def _apart(timeframes: Sequence[str]) -> str:
    names = " and ".join(timeframes)
    return f"The {names} candles open off the minute, or between those posted before: they are not kept."


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
