"""Measured quality of signals: by the market after them, and by the outcomes that clients reported."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field

from api.schemas.record.feedback import Count
from api.schemas.record.track_record import Horizon, horizon_name, rounded
from api.schemas.responses import ResponseModel
from domain.ledger.entries import NEXT_CANDLE, PLAN
from domain.market import Timeframe
from domain.trading.evidence import EvidenceVerdict
from domain.values import Share
from services.ledger.accuracy import Performance
from services.ledger.scoring.records import Record
from services.ledger.signal_performance import MeasuredPerformance

_HOUR_MS = Timeframe.H1.ms


class PerformanceFigures(ResponseModel):
    """Measured; zeros while there is nothing to measure."""

    overall_accuracy: Annotated[Share, Field(description="Hits, or successes, among all of Long and Short.")]
    precision: Annotated[Share, Field(description="Mean over Long and Short.")]
    recall: Annotated[Share, Field(description="Mean over rises and falls.")]
    f1_score: Share
    predictions_made: Annotated[Count, Field(description="Settled answers, or outcomes, neutral ones included.")]
    successful_predictions: Count
    average_confidence: Annotated[Share, Field(description="Of those whose confidence is known.")]


class HitRateFigures(ResponseModel):
    """Settled Long and Short calls of one timeframe and horizon; null without calls."""

    timeframe: str
    horizon: Horizon
    horizon_hours: Annotated[float | None, Field(description="null of plans, which end when they end.")]
    signals: Annotated[Count, Field(description="Of each market and stretch, the first.")]
    effective: Annotated[float, Field(ge=0, description="Independent calls that tell as much.")]
    hits: Count
    hit_rate: Share | None
    low: Annotated[Share | None, Field(description="Of the 95 % interval, which holds at every look.")]
    high: Share | None
    baseline: Annotated[
        Share | None, Field(description="What the better of always Long and always Short had at the same moments.")
    ]
    mean_return: Annotated[float | None, Field(description="Fraction won per signal, before costs.")]
    verdict: EvidenceVerdict

    @classmethod
    def of(cls, record: Record) -> Self:
        """Return the figures, rounded."""
        key = record.key
        figures = {
            "horizon_hours": None if key.horizon == PLAN else key.horizon * Timeframe(key.timeframe).ms / _HOUR_MS,
            "signals": record.count,
            "baseline": record.base_rate,
            "mean_return": None if record.bps is None else record.bps / 10_000,
            **{name: getattr(record, name) for name in ("effective", "hits", "hit_rate", "low", "high", "verdict")},
        }
        return cls(timeframe=key.timeframe, horizon=horizon_name(key.horizon), **rounded(figures))


class Measured(ResponseModel):
    """The records of the last 30 days in the ledger, by timeframe and horizon."""

    since: Annotated[datetime, Field(description="Begin of the first day, ISO 8601, UTC.")]
    signals_read: Annotated[Count, Field(description="Answers that callers were given and that count, Neutral too.")]
    horizons: Annotated[list[HitRateFigures], Field(description="Of what callers were given.")]
    by_source: Annotated[
        dict[str, list[HitRateFigures]],
        Field(description="Of each lane, given or beside the others: technical is the rules', ensemble the blend."),
    ]

    @classmethod
    def of(cls, performance: MeasuredPerformance) -> Self:
        """Return the measured figures."""
        return cls(
            since=performance.since,
            signals_read=performance.overall.scored,
            horizons=[HitRateFigures.of(record) for record in performance.given],
            by_source={
                source: [HitRateFigures.of(record) for record in records]
                for source, records in performance.lanes.items()
            },
        )


class ReportedFigures(PerformanceFigures):
    """By the outcomes that trusted clients reported."""

    by_source: Annotated[
        dict[str, PerformanceFigures],
        Field(description="llm, technical, model, ensemble; unknown for signals that the archive does not have."),
    ]


class PerformanceResponse(PerformanceFigures):
    """What callers were given, and each source, one candle later; and what clients reported."""

    timeframe: Annotated[str | None, Field(description="Of the figures: that of the most calls; null without any.")]
    horizon: Annotated[int, Field(description="Of the figures, in candles.")]
    by_source: Annotated[
        dict[str, PerformanceFigures],
        Field(description="Each lane, given or beside the others: llm, technical, model, ensemble."),
    ]
    feedback: ReportedFigures
    measured: Measured
    model_uptime: Annotated[str, Field(description="Since the service started, days and hours:minutes:seconds.")]
    last_updated: Annotated[str, Field(description="When this was measured, ISO 8601, UTC.")]

    @classmethod
    def of(cls, performance: MeasuredPerformance) -> Self:
        """Return the answer for measured figures."""
        reported = performance.reported
        return cls(
            **_figures(performance.overall),
            timeframe=performance.timeframe,
            horizon=NEXT_CANDLE,
            by_source={source: PerformanceFigures(**_figures(own)) for source, own in performance.by_source.items()},
            feedback=ReportedFigures(
                **_figures(reported.overall),
                by_source={name: PerformanceFigures(**_figures(own)) for name, own in reported.by_source.items()},
            ),
            measured=Measured.of(performance),
            model_uptime=str(performance.uptime).partition(".")[0],
            last_updated=performance.at.isoformat(),
        )


def _figures(performance: Performance) -> dict[str, Any]:
    return {
        "overall_accuracy": round(performance.accuracy, 4),
        "precision": round(performance.precision, 4),
        "recall": round(performance.recall, 4),
        "f1_score": round(performance.f1, 4),
        "predictions_made": performance.scored,
        "successful_predictions": performance.successes,
        "average_confidence": round(performance.average_confidence, 4),
    }
