"""Records of the lanes: figures with their counts and intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from api.schemas.feedback import Count
from api.schemas.responses import ResponseModel
from domain.ledger.entries import PLAN, LedgerLane
from domain.trading.evidence import EvidenceVerdict
from domain.values import Share, epoch_ms
from services.ledger.recording.lane_versions import LaneVersion
from services.ledger.scoring.lanes import LaneCost, LaneGate, costs_of
from services.ledger.scoring.pairs import LanePair
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
    def of(cls, found: Record) -> Self:
        """Return the figures, rounded."""
        key = found.key
        own = {field.name: getattr(found, field.name) for field in fields(found) if field.name in cls.model_fields}
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


class CostFigures(ResponseModel):
    """What a lane cost, against what it brought; null where it brought nothing."""

    timeframe: str
    horizon: Horizon
    answers: Annotated[Count, Field(description="Answers whose cost is known.")]
    cost_usd: float
    usd_per_answer: float
    right_above_base: Annotated[float, Field(description="Hits less those of the better constant side.")]
    usd_per_right_above_base: float | None
    net_bps: Annotated[float, Field(description="Sum of the results after costs.")]
    usd_per_net_bps: float | None

    @classmethod
    def of(cls, found: LaneCost) -> Self:
        """Return the figures, rounded."""
        return cls(**rounded(asdict(found) | {"horizon": horizon_name(found.horizon)}))


class SamplingState(ResponseModel):
    """Whether a paid lane is asked each time."""

    sampling: Annotated[bool, Field(description="It has no lift, and is asked about a share of the candles.")]
    settled_plans: Annotated[Count, Field(description="Of its present version, in 90 days.")]
    trial_calls: Count
    sample_share: Share
    reason: str | None

    @classmethod
    def of(cls, gate: LaneGate) -> Self:
        """Return the state of a gate."""
        return cls(
            sampling=gate.sampling,
            settled_plans=gate.calls,
            trial_calls=gate.trial_calls,
            sample_share=gate.sample_share,
            reason=gate.reason if gate.sampling else None,
        )


class PartChange(ResponseModel):
    """A part that a version changed; both values as JSON texts, null where it was not, or is no more."""

    part: Annotated[str, Field(description="Such as indicators.rsi_period.")]
    before: str | None
    after: str | None


class VersionFigures(ResponseModel):
    """A version of a lane, whose entries are a record of their own."""

    lane_id: str
    since: Annotated[int, Field(description="When it was first written down, in epoch ms.")]
    changed: Annotated[list[PartChange], Field(description="Against the version that began before it.")]

    @classmethod
    def of(cls, version: LaneVersion) -> Self:
        """Return the version's figures."""
        changed = [PartChange(**asdict(change)) for change in version.changes]
        return cls(lane_id=version.lane_id, since=epoch_ms(version.since), changed=changed)


class LaneFigures(ResponseModel):
    """A lane: its records by timeframe and horizon, its cost, its sampling (null where it is free), its versions."""

    lane: LedgerLane
    records: list[RecordFigures]
    costs: list[CostFigures]
    sampling: SamplingState | None
    versions: Annotated[list[VersionFigures], Field(description="The newest first, at most 20.")]

    @classmethod
    def of(cls, lane: LedgerLane, records: Sequence[Record], gate: LaneGate, versions: Sequence[LaneVersion]) -> Self:
        """Return the lane's figures."""
        return cls(
            lane=lane,
            records=[RecordFigures.of(record) for record in records],
            costs=[CostFigures.of(cost) for cost in costs_of(records)],
            sampling=SamplingState.of(gate) if gate.lane == lane else None,
            versions=[VersionFigures.of(version) for version in versions],
        )


class PairFigures(ResponseModel):
    """Two lanes on the same candles."""

    first: str
    second: str
    timeframe: str
    horizon: Horizon
    moments: Annotated[Count, Field(description="Of each stretch, the first candle of which both have an answer.")]
    calls: Annotated[Count, Field(description="Both took a side.")]
    both_right: Count
    first_right: Annotated[Count, Field(description="Only the first was right.")]
    second_right: Count
    mcnemar_p: Annotated[Share | None, Field(description="McNemar's exact test, for a single look.")]
    second_better: Annotated[Share | None, Field(description="Share of second_right where only one was right.")]
    low: Annotated[Share | None, Field(description="Of the 95 % interval, which holds at every look.")]
    high: Share | None
    verdict: EvidenceVerdict
    first_alone: Annotated[Count, Field(description="Calls of the first, the second being Neutral.")]
    first_alone_hits: Count
    second_alone: Count
    second_alone_hits: Count
    net_bps_gain: Annotated[float | None, Field(description="Second less first, after costs, mean by moment.")]
    gain_low: float | None
    gain_high: float | None
    stated: Annotated[Count, Field(description="Both stated a probability.")]
    brier_gain: Annotated[float | None, Field(description="First less second: above 0 the second is better.")]
    brier_low: float | None
    brier_high: float | None

    @classmethod
    def of(cls, found: LanePair) -> Self:
        """Return the figures, rounded."""
        return cls(**rounded(asdict(found) | {"horizon": horizon_name(found.horizon)}))


class LanesResponse(ResponseModel):
    """The lanes, each alone and each two on the same candles."""

    days: int
    lanes: list[LaneFigures]
    pairs: list[PairFigures]
