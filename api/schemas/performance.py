"""Measured quality of signals: by the outcomes that clients reported, and by the market after them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field

from api.schemas.feedback import Count
from api.schemas.responses import ResponseModel
from domain.values import Share
from services.ledger.archive_scores import SignalScores
from services.ledger.feedback import MeasuredPerformance
from services.ledger.hit_rates import HitRate
from services.ledger.performance import Performance


class PerformanceFigures(ResponseModel):
    """Measured from outcomes; zeros while there are none."""

    overall_accuracy: Annotated[Share, Field(description="Successes among successes and failures.")]
    precision: Annotated[Share, Field(description="Mean over Long and Short.")]
    recall: Annotated[Share, Field(description="Mean over rises and falls.")]
    f1_score: Share
    predictions_made: Annotated[Count, Field(description="Signals with an outcome, neutral ones included.")]
    successful_predictions: Count
    average_confidence: Annotated[Share, Field(description="Of the signals that the archive knows.")]


class HitRateFigures(ResponseModel):
    """Directional signals against the price a horizon later; null where fewer than 30 can be counted."""

    horizon_hours: int
    signals: Annotated[Count, Field(description="Of one symbol none overlaps another.")]
    hits: Count | None
    hit_rate: Share | None
    low: Annotated[Share | None, Field(description="Of the 95 % interval.")]
    high: Annotated[Share | None, Field(description="Of the 95 % interval.")]
    baseline: Annotated[
        Share | None, Field(description="What the better of always Long and always Short had at the same moments.")
    ]
    mean_return: Annotated[float | None, Field(description="Fraction won per signal, before costs.")]

    @classmethod
    def of(cls, found: HitRate) -> Self:
        """Return the figures, rounded."""
        return cls(
            **{
                name: round(figure, 6) if isinstance(figure, float) else figure
                for name, figure in asdict(found).items()
            }
        )


class Measured(ResponseModel):
    """The archived signals of the last 30 days against what the market did after them."""

    since: Annotated[datetime, Field(description="The oldest signal that was read, ISO 8601, UTC.")]
    signals_read: Annotated[Count, Field(description="Neutral ones and those that are not over included.")]
    horizons: list[HitRateFigures]
    by_source: Annotated[
        dict[str, list[HitRateFigures]],
        Field(description="`model`: its forecasts beside the analyses of others."),
    ]

    @classmethod
    def of(cls, found: SignalScores) -> Self:
        """Return the measured figures."""
        return cls(
            since=found.since,
            signals_read=found.signals,
            horizons=[HitRateFigures.of(rate) for rate in found.overall],
            by_source={name: [HitRateFigures.of(rate) for rate in rates] for name, rates in found.by_source.items()},
        )


class PerformanceResponse(PerformanceFigures):
    """All signals together, and by who gave them."""

    by_source: Annotated[
        dict[str, PerformanceFigures],
        Field(description="llm, technical, model, ensemble; unknown for signals that the archive does not have."),
    ]
    measured: Measured
    model_uptime: Annotated[str, Field(description="Since the service started, days and hours:minutes:seconds.")]
    last_updated: Annotated[str, Field(description="When this was measured, ISO 8601, UTC.")]

    @classmethod
    def of(cls, found: MeasuredPerformance) -> Self:
        """Return the answer for measured figures."""
        return cls(
            **_figures(found.overall),
            by_source={
                name: PerformanceFigures(**_figures(performance)) for name, performance in found.by_source.items()
            },
            measured=Measured.of(found.scores),
            model_uptime=str(found.uptime).partition(".")[0],
            last_updated=found.at.isoformat(),
        )


def _figures(found: Performance) -> dict[str, Any]:
    return {
        "overall_accuracy": round(found.accuracy, 4),
        "precision": round(found.precision, 4),
        "recall": round(found.recall, 4),
        "f1_score": round(found.f1, 4),
        "predictions_made": found.scored,
        "successful_predictions": found.successes,
        "average_confidence": round(found.average_confidence, 4),
    }
