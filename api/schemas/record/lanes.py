"""The lanes beside each other: records, costs, calibration, versions, and each two on the same candles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Self

from pydantic import Field

from api.schemas.record.feedback import Count
from api.schemas.record.track_record import Horizon, RecordFigures, horizon_name, rounded
from api.schemas.responses import ResponseModel
from domain.ledger.entries import LedgerLane
from domain.market import Timeframe
from domain.trading.evidence import EvidenceVerdict
from domain.values import Share, epoch_ms
from services.ledger.price_bands import BandCoverage
from services.ledger.recording.lane_versions import LaneVersion
from services.ledger.scoring.calibration import CalibrationBin
from services.ledger.scoring.lanes import LaneCost, LaneGate, costs_of
from services.ledger.scoring.pairs import LanePair
from services.ledger.scoring.records import Record, RecordKey


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
    def of(cls, cost: LaneCost) -> Self:
        """Return the figures, rounded."""
        return cls(**rounded(asdict(cost) | {"horizon": horizon_name(cost.horizon)}))


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


class StatedRange(ResponseModel):
    """Statements within one range of probability, and how often what they spoke of occurred."""

    range: Annotated[str, Field(description="Such as 0.50-0.60.")]
    count: Count
    stated: Annotated[Share, Field(description="Mean of what was stated.")]
    occurred: Share
    low: Annotated[Share, Field(description="Of the 95 % interval of `occurred`, which holds at every look.")]
    high: Share


class CalibrationFigures(ResponseModel):
    """What was stated as probabilities beside what occurred: of plans the target first, else the next candle's rise."""

    timeframe: str
    horizon: Horizon
    ranges: Annotated[list[StatedRange], Field(description="Ascending; those with statements.")]

    @classmethod
    def of(cls, key: RecordKey, bins: Sequence[CalibrationBin]) -> Self:
        """Return the figures, rounded."""
        ranges = []
        for calibration_bin in bins:
            figures = asdict(calibration_bin)
            ranges.append(StatedRange(range=figures.pop("bin"), **rounded(figures)))
        return cls(timeframe=key.timeframe, horizon=horizon_name(key.horizon), ranges=ranges)


class LaneFigures(ResponseModel):
    """A lane: records by timeframe and horizon, cost, calibration, sampling (null where it is free), versions."""

    lane: LedgerLane
    records: list[RecordFigures]
    costs: list[CostFigures]
    calibration: Annotated[list[CalibrationFigures], Field(description="Where the lane states probabilities.")]
    sampling: SamplingState | None
    versions: Annotated[list[VersionFigures], Field(description="The newest first, at most 20.")]

    @classmethod
    def of(
        cls,
        lane: LedgerLane,
        records: Sequence[Record],
        calibration: Mapping[RecordKey, Sequence[CalibrationBin]],
        gate: LaneGate,
        versions: Sequence[LaneVersion],
    ) -> Self:
        """Return the lane's figures; `calibration` is that of all lanes."""
        own = sorted((key for key in calibration if key.lane == lane), key=_place)
        return cls(
            lane=lane,
            records=[RecordFigures.of(record) for record in records],
            costs=[CostFigures.of(cost) for cost in costs_of(records)],
            calibration=[CalibrationFigures.of(key, calibration[key]) for key in own],
            sampling=SamplingState.of(gate) if gate.lane == lane else None,
            versions=[VersionFigures.of(version) for version in versions],
        )


def _place(key: RecordKey) -> tuple[int, int]:
    return Timeframe(key.timeframe).ms, key.horizon


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
    def of(cls, pair: LanePair) -> Self:
        """Return the figures, rounded."""
        return cls(**rounded(asdict(pair) | {"horizon": horizon_name(pair.horizon)}))


class BandFigures(ResponseModel):
    """How bands of prices held that were given out, by the coverage that was asked for."""

    timeframe: str
    horizon: Annotated[int, Field(description="Candles ahead.")]
    coverage: Annotated[Share, Field(description="Share of closes that they are meant to hold.")]
    settled: Annotated[Count, Field(description="Bands whose close is known.")]
    held: Annotated[Count, Field(description="How many of them held it.")]
    stretches: Annotated[Count, Field(description="Spans of `horizon` candles in which they were given.")]
    share: Annotated[Share | None, Field(description="held of settled; null without any.")]
    low: Annotated[Share | None, Field(description="Of the 95 % interval by stretches, which holds at every look.")]
    high: Share | None
    waiting: Count
    missing: Annotated[Count, Field(description="Their candle never came.")]

    @classmethod
    def of(cls, coverage: BandCoverage) -> Self:
        """Return the figures of a timeframe, horizon and coverage."""
        return cls(**rounded(asdict(coverage)))


class LanesResponse(ResponseModel):
    """The lanes, each alone and each two on the same candles."""

    days: int
    lanes: list[LaneFigures]
    pairs: list[PairFigures]
    price_bands: list[BandFigures]
