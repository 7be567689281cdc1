"""What is shown of the past of a market: its candles, and what was said of it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field

from api.schemas.record.ledger import EpochMs, LedgerPlan, SettledHorizon
from api.schemas.responses import ResponseModel
from domain.analysis import AnalysisSource, DataSource
from domain.ledger.entries import PLAN, EntryKind, LedgerLane
from domain.ledger.settlements import PlanEnd
from domain.market import Timeframe
from domain.values import Price, Share, Signal
from services.ledger.past_analyses import PastAnalysesPage, PastAnalysis
from services.newest_candles import ShownCandles


class ShownCandle(ResponseModel):
    """One closed candle."""

    timestamp: Annotated[int, Field(description="When it opened, epoch milliseconds.")]
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Annotated[float, Field(ge=0)]


class CandlesAnswer(ResponseModel):
    """The newest closed candles of a market."""

    symbol: str
    timeframe: Timeframe
    source_data: Annotated[DataSource, Field(description="Whose candles; synthetic ones are for demonstration.")]
    stale: Annotated[bool, Field(description="Whether more than two candles have closed since the newest one.")]
    data_age_seconds: Annotated[int, Field(ge=0, description="Since the newest candle closed, by the server's clock.")]
    candles: Annotated[list[ShownCandle], Field(description="Oldest first.")]
    indicators: Annotated[
        dict[str, list[float | None]],
        Field(description="Those that were asked for, a value for each candle; null while one warms up."),
    ]

    @classmethod
    def of(cls, shown: ShownCandles) -> Self:
        """Return the answer for candles."""
        return cls(
            symbol=shown.symbol,
            timeframe=shown.series.timeframe,
            source_data=shown.source,
            stale=shown.age.old,
            data_age_seconds=shown.age.seconds,
            candles=[
                ShownCandle(timestamp=c.timestamp, open=c.open, high=c.high, low=c.low, close=c.close, volume=c.volume)
                for c in shown.series.candles
            ],
            indicators=dict(shown.indicators),
        )


class PastAnalysisAnswer(ResponseModel):
    """An analysis that was given, and its settlements; what the archive no longer has is null."""

    analysis_id: str
    entry_id: Annotated[str, Field(description="Of its entry: GET /ai/ledger/{entry_id}.")]
    symbol: str
    timeframe: Timeframe
    created_at: EpochMs
    signal: Signal
    kind: Annotated[EntryKind, Field(description="A side, or why there is none.")]
    confidence: Share
    target_first: Annotated[
        Share | None, Field(description="Stated probability that the target comes before stop and time.")
    ]
    price: float
    plan: LedgerPlan | None
    lane: LedgerLane
    source: AnalysisSource | None
    model_type: str | None
    source_data: DataSource
    reasoning: str | None
    support_levels: list[Price] | None
    resistance_levels: list[Price] | None
    settled: Annotated[bool, Field(description="Whether every horizon is settled.")]
    outcome: Annotated[PlanEnd | None, Field(description="How the plan ended; null while it has not, and without one.")]
    r: Annotated[float | None, Field(description="Result of the plan before costs, in units of its risk.")]
    settlements: list[SettledHorizon]

    @classmethod
    def of(cls, past: PastAnalysis) -> Self:
        """Return the answer for an analysis."""
        entry, analysis = past.record.entry, past.analysis
        market = analysis and analysis.market_analysis
        plan = next((settlement for settlement in past.record.settlements if settlement.horizon == PLAN), None)
        return cls(
            analysis_id=entry.answer_id,
            entry_id=entry.id,
            symbol=entry.symbol,
            timeframe=entry.timeframe,
            created_at=entry.known_ms,
            signal=entry.side,
            kind=entry.kind,
            confidence=entry.confidence,
            target_first=entry.target_first,
            price=entry.price,
            plan=LedgerPlan.of(entry),
            lane=entry.lane,
            source=analysis and analysis.source,
            model_type=analysis and analysis.model_type,
            source_data=entry.source_data,
            reasoning=analysis and analysis.reasoning,
            support_levels=market and market.support_levels,
            resistance_levels=market and market.resistance_levels,
            settled=past.record.settled,
            outcome=plan and plan.end,
            r=plan and plan.r,
            settlements=[SettledHorizon.of(settlement) for settlement in past.record.settlements],
        )


class PastAnalysesAnswer(ResponseModel):
    """Past analyses, the newest first; a page with few or none may have a next one."""

    analyses: list[PastAnalysisAnswer]
    next: Annotated[str | None, Field(description="`cursor` of the next page; null on the last one.")]

    @classmethod
    def of(cls, page: PastAnalysesPage) -> Self:
        """Return the answer for a page."""
        return cls(analyses=[PastAnalysisAnswer.of(past) for past in page.analyses], next=page.next)
