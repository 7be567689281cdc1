"""Records of the lanes: figures with their counts and intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from api.schemas.record.feedback import Count
from api.schemas.responses import ResponseModel
from domain.ledger.entries import PLAN
from domain.trading.evidence import EvidenceVerdict
from domain.values import Share
from services.ledger.scoring.records import Record

PLAN_NAME: Literal["plan"] = "plan"
# In candles of the timeframe, or that of the trade plan.
Horizon = Annotated[int | Literal["plan"], Field(description="In candles of the timeframe, or the trade plan's.")]
_DIGITS = 6


def horizon_name(horizon: int) -> int | Literal["plan"]:
    """Return a horizon as the API names it."""
    return PLAN_NAME if horizon == PLAN else horizon


def rounded(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures with six digits."""
    return {name: round(value, _DIGITS) if isinstance(value, float) else value for name, value in figures.items()}


class RecordFigures(ResponseModel):
    """The record of one group of calls; null where nothing is measured."""

    lane: str
    timeframe: str
    horizon: Horizon
    version: Annotated[str | None, Field(description="lane_id: a change of the lane starts a new one.")]
    symbol: str | None
    side: str | None
    confidence_range: str | None
    day: date | None
    first_day: date
    last_day: date
    count: Annotated[Count, Field(description="Settled calls that count, Long and Short.")]
    effective: Annotated[float, Field(ge=0, description="Independent calls that tell as much.")]
    hits: Count
    hit_rate: Share | None
    low: Annotated[Share | None, Field(description="Of the 95 % interval, which holds at every look.")]
    high: Share | None
    base_rate: Annotated[
        Share | None, Field(description="Of always Long or always Short at the same moments, whichever is better.")
    ]
    verdict: EvidenceVerdict
    confidence: Annotated[Share | None, Field(description="Mean.")]
    stated: Annotated[Count, Field(description="Stated probabilities that are settled.")]
    brier: Share | None
    log_loss: float | None
    ece: Annotated[Share | None, Field(description="Expected calibration error, of groups that know it.")]
    r: Annotated[float | None, Field(description="Mean result of plans in units of their risk, before costs.")]
    r_low: float | None
    r_high: float | None
    net_r: float | None
    bps: Annotated[float | None, Field(description="Mean result in hundredths of a percent, before costs.")]
    bps_low: float | None
    bps_high: float | None
    net_bps: float | None
    turnover: Annotated[
        float | None, Field(ge=0, le=2, description="Mean change of position from one stretch to the next.")
    ]
    neutral: Count
    missing: Annotated[Count, Field(description="Answers whose candles are missing for good.")]
    targets: Count
    stops: Count
    times: Count
    voids: Annotated[Count, Field(description="Plans that were never entered.")]
    repeats: Annotated[Count, Field(description="Times that an answer was given again from the cache.")]

    @classmethod
    def of(cls, record: Record) -> Self:
        """Return the figures, rounded."""
        key = record.key
        own = {field.name: getattr(record, field.name) for field in fields(record) if field.name in cls.model_fields}
        return cls(
            **rounded(own),
            lane=key.lane,
            timeframe=key.timeframe,
            horizon=horizon_name(key.horizon),
            version=key.lane_id,
            symbol=key.symbol,
            side=key.side,
            confidence_range=key.bin,
            day=key.day,
        )


class TrackRecord(ResponseModel):
    """Records, never a percentage without its count and an interval that holds at every look."""

    days: Annotated[int, Field(description="UTC days up to today in which the stretches began.")]
    group: str
    count: Annotated[Count, Field(description="Number of records.")]
    records: list[RecordFigures]
