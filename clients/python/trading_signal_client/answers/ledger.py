"""Answers about the ledger: entries, their settlements, and proofs."""

from __future__ import annotations

from datetime import date
from typing import Literal

from trading_signal_client.answers.answer import Answer
from trading_signal_client.answers.market import Analysis


class LedgerPlan(Answer):
    stop: float
    target: float
    horizon_candles: int


class LedgerSettlement(Answer):
    """The outcome of an entry at one horizon, in candles, or of its plan; None where candles are missing for good."""

    horizon: int | str
    price: float | None
    move: float | None
    end: Literal["target", "stop", "time", "void"] | None
    r: float | None
    ended_at: int
    settled_at: int
    source: str


class LedgerEntry(Answer):
    """One answer of one lane."""

    id: str
    lane: Literal["rules", "model", "llm", "blend", "shadow"]
    lane_id: str
    origin: Literal["api", "loop", "stream", "predict", "trend"]
    symbol: str
    timeframe: str
    kind: Literal["side", "no edge", "no data", "refused"]
    side: Literal["Long", "Short", "Neutral"]
    confidence: float
    probability_up: float | None
    target_first: float | None
    price: float
    plan: LedgerPlan | None
    cost_bps: float
    given: bool
    cost_usd: float | None
    source_data: str
    known_at: int
    closed_at: int
    stale: bool
    scored: bool
    apart: Literal["stranger", "synthetic", "stale", "contradicted"] | None
    settled: bool
    repeats: int
    settlements: list[LedgerSettlement]


class LedgerPage(Answer):
    """The answer of `/ai/ledger`."""

    entries: list[LedgerEntry]
    next: str | None


class LedgerDay(Answer):
    day: date
    entries: int
    root: str
    chained: str
    closed_at: int


class LedgerDays(Answer):
    days: list[LedgerDay]


class LedgerProof(Answer):
    """The path from an entry to the root of its day, by RFC 6962."""

    id: str
    leaf: str
    index: int
    path: list[str]
    previous: str
    day: LedgerDay


class ReplayedField(Answer):
    """A field as it was said and as the replay says it; the difference is None of sides and where one is missing."""

    field: str
    recorded: float | str | None
    replayed: float | str | None
    difference: float | None
    equal: bool


class ReplayedEntry(Answer):
    entry_id: str
    lane: Literal["rules", "model", "llm", "blend", "shadow"]
    fields: list[ReplayedField]


class ReplayedFurther(Answer):
    """The forecast of a model of a further horizon, beside the one that was kept of the same candle."""

    horizon_candles: int
    version: str
    probability_up: ReplayedField


class Replay(Analysis):
    """The answer of `/ai/replay`: the analysis of then, and what the ledger has of the same candle."""

    model_version: str | None
    recorded: list[LedgerEntry]
    differences: list[ReplayedEntry]
    further: list[ReplayedFurther]


class ParityField(Answer):
    """One field of a day: how many entries were compared, how many are above the tolerance, and the furthest one."""

    field: str
    unit: Literal["side", "share", "bps"]
    tolerance: float
    compared: int
    above: int
    largest: float | None
    entry_id: str | None
    recorded: float | str | None
    replayed: float | str | None


class ParitySkipped(Answer):
    reason: str
    entries: int


class ParityCertificate(Answer):
    day: date
    created_at: int
    entries: int
    answers: int
    replayed: int
    compared: int
    equal: int
    skipped: list[ParitySkipped]
    fields: list[ParityField]
    above: list[str]


class ParityCertificates(Answer):
    certificates: list[ParityCertificate]
