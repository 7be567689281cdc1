"""Answers about the record of the lanes: results of their calls."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from trading_signal_client.answers.answer import Answer

Verdict = Literal["insufficient", "inverted", "none", "weak", "positive"]


class LaneRecord(Answer):
    """The record of one group of settled calls; intervals hold at every look; None where nothing is measured."""

    lane: str
    timeframe: str
    horizon: int | Literal["plan"]
    version: str | None
    symbol: str | None
    side: str | None
    confidence_range: str | None
    day: date | None
    first_day: date
    last_day: date
    count: int
    effective: float
    hits: int
    hit_rate: float | None
    low: float | None
    high: float | None
    base_rate: float | None
    verdict: Verdict
    confidence: float | None
    stated: int
    brier: float | None
    log_loss: float | None
    ece: float | None
    r: float | None
    r_low: float | None
    r_high: float | None
    net_r: float | None
    bps: float | None
    bps_low: float | None
    bps_high: float | None
    net_bps: float | None
    turnover: float | None
    neutral: int
    missing: int
    targets: int
    stops: int
    times: int
    voids: int
    repeats: int


class TrackRecord(Answer):
    """The answer of `/ai/track-record`."""

    days: int
    group: str
    count: int
    records: list[LaneRecord]


class LaneCost(Answer):
    timeframe: str
    horizon: int | Literal["plan"]
    answers: int
    cost_usd: float
    usd_per_answer: float
    right_above_base: float
    usd_per_right_above_base: float | None
    net_bps: float
    usd_per_net_bps: float | None


class LaneSampling(Answer):
    """Whether a paid lane is asked about a share of the candles only."""

    sampling: bool
    settled_plans: int
    trial_calls: int
    sample_share: float
    reason: str | None


class PartChange(Answer):
    """A part that a version of a lane changed; both values are JSON texts."""

    part: str
    before: str | None
    after: str | None


class LaneVersion(Answer):
    """A version of a lane, since a time in epoch ms."""

    lane_id: str
    since: int
    changed: list[PartChange]


class StatedRange(Answer):
    """Statements within one range of probability; `low` and `high` are of the interval of `occurred`."""

    range: str
    count: int
    stated: float
    occurred: float
    low: float
    high: float


class Calibration(Answer):
    """What a lane stated as probabilities beside what occurred, by range."""

    timeframe: str
    horizon: int | Literal["plan"]
    ranges: list[StatedRange]


class LaneSummary(Answer):
    lane: str
    records: list[LaneRecord]
    costs: list[LaneCost]
    calibration: list[Calibration]
    sampling: LaneSampling | None
    versions: list[LaneVersion]


class LanePair(Answer):
    """Two lanes on the same candles."""

    first: str
    second: str
    timeframe: str
    horizon: int | Literal["plan"]
    moments: int
    calls: int
    both_right: int
    first_right: int
    second_right: int
    mcnemar_p: float | None
    second_better: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    first_alone: int
    first_alone_hits: int
    second_alone: int
    second_alone_hits: int
    net_bps_gain: float | None
    gain_low: float | None
    gain_high: float | None
    stated: int
    brier_gain: float | None
    brier_low: float | None
    brier_high: float | None


class BandCoverage(Answer):
    """How bands of prices held that were given out, by timeframe, candles ahead and the coverage that was asked for."""

    timeframe: str
    horizon: int
    coverage: float
    settled: int
    held: int
    stretches: int
    share: float | None
    low: float | None
    high: float | None
    waiting: int
    missing: int


class ComparedLanes(Answer):
    """The answer of `/ai/lanes`."""

    days: int
    lanes: list[LaneSummary]
    pairs: list[LanePair]
    price_bands: list[BandCoverage]


class EvidenceRecord(Answer):
    """The record by which plans of a timeframe are weighed; weight and error in log odds."""

    timeframe: str
    weight: float
    error: float
    plans: int
    built_from: str


class EvidenceRefit(Answer):
    """A record that was fitted again from settled plans, and the decision on it."""

    id: str
    timeframe: str
    multiplier: float
    weight: float
    error: float
    plans: int
    fitted_at: datetime
    state: Literal["candidate", "adopted", "renewed", "dropped"]
    reason: str
    decided_at: datetime | None


class EvidencePlanModel(Answer):
    """A plan model in production, and how it did beside the evidence."""

    version: str
    symbol: str
    timeframe: str
    plans: int
    error: float
    brier: float | None
    evidence_brier: float | None


class EvidenceState(Answer):
    """The answer of `/ai/evidence`."""

    records: list[EvidenceRecord]
    refits: list[EvidenceRefit]
    plan_models: list[EvidencePlanModel]
