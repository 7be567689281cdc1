"""Entries of the ledger, and their proofs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Self

from pydantic import Field

from api.schemas.responses import ResponseModel
from domain.analysis import DataSource
from domain.ledger.days import DayRoot
from domain.ledger.entries import PLAN, Apart, EntryKind, LedgerEntry, LedgerLane, Origin
from domain.ledger.settlements import LedgerRecord, PlanEnd, Settlement
from domain.market import Timeframe
from domain.values import Share, Signal
from services.ledger.reader import EntryProof, LedgerPage

EpochMs = Annotated[int, Field(description="Epoch milliseconds, UTC.")]


class LedgerPlan(ResponseModel):
    """The trade plan of an entry: prices, and its time limit in candles."""

    stop: float
    target: float
    horizon_candles: int

    @classmethod
    def of(cls, entry: LedgerEntry) -> Self | None:
        """Return the answer for the plan of an entry, None where it has none."""
        if entry.stop is None or entry.target is None or entry.horizon_candles is None:
            return None
        return cls(stop=entry.stop, target=entry.target, horizon_candles=entry.horizon_candles)


class SettledHorizon(ResponseModel):
    """The outcome of an entry at one horizon."""

    horizon: Annotated[int | str, Field(description='In candles, or "plan".')]
    price: Annotated[float | None, Field(description="Close at the horizon, or of the exit; null where it is missing.")]
    move: Annotated[float | None, Field(description="Of the market from the entry's price, as a fraction.")]
    end: PlanEnd | None
    r: Annotated[float | None, Field(description="Result of the plan before costs, in units of its risk.")]
    ended_at: EpochMs
    settled_at: EpochMs
    source: str

    @classmethod
    def of(cls, settlement: Settlement) -> Self:
        """Return the answer for a settlement."""
        return cls(
            horizon="plan" if settlement.horizon == PLAN else settlement.horizon,
            price=settlement.price,
            move=settlement.move,
            end=settlement.end,
            r=settlement.r,
            ended_at=settlement.ended_ms,
            settled_at=settlement.settled_ms,
            source=settlement.source,
        )


class EntryAnswer(ResponseModel):
    """One answer of one lane, and its settlements."""

    id: str
    lane: LedgerLane
    lane_id: Annotated[str, Field(description="Changes with code, settings, evidence, model and prompt of the lane.")]
    origin: Origin
    symbol: str
    timeframe: Timeframe
    kind: EntryKind
    side: Signal
    confidence: Share
    probability_up: Share | None
    target_first: Share | None
    price: float
    plan: LedgerPlan | None
    cost_bps: float
    given: Annotated[bool, Field(description="Whether the caller got this answer; other lanes stand beside it.")]
    cost_usd: float | None
    source_data: DataSource
    known_at: EpochMs
    closed_at: Annotated[int, Field(description="Close of the newest closed candle, epoch milliseconds.")]
    stale: bool
    scored: bool
    apart: Annotated[Apart | None, Field(description="Why it is never scored.")]
    settled: Annotated[bool, Field(description="Whether every horizon is settled.")]
    repeats: Annotated[int, Field(description="How often it was given again from the cache.")]
    settlements: list[SettledHorizon]

    @classmethod
    def of(cls, record: LedgerRecord) -> Self:
        """Return the answer for an entry."""
        entry = record.entry
        return cls(
            id=entry.id,
            lane=entry.lane,
            lane_id=entry.lane_id,
            origin=entry.origin,
            symbol=entry.symbol,
            timeframe=entry.timeframe,
            kind=entry.kind,
            side=entry.side,
            confidence=entry.confidence,
            probability_up=entry.probability_up,
            target_first=entry.target_first,
            price=entry.price,
            plan=LedgerPlan.of(entry),
            cost_bps=entry.cost_bps,
            given=entry.given,
            cost_usd=entry.cost_usd,
            source_data=entry.source_data,
            known_at=entry.known_ms,
            closed_at=entry.closed_ms,
            stale=entry.apart is Apart.STALE,
            scored=entry.scored,
            apart=entry.apart,
            settled=entry.scored and record.settled,
            repeats=record.repeats,
            settlements=[SettledHorizon.of(settlement) for settlement in record.settlements],
        )


class EntryPage(ResponseModel):
    """Entries, the newest first; a page with few or none may have a next one."""

    entries: list[EntryAnswer]
    next: Annotated[str | None, Field(description="`cursor` of the next page; null on the last one.")]

    @classmethod
    def of(cls, page: LedgerPage) -> Self:
        """Return the answer for a page."""
        return cls(entries=[EntryAnswer.of(record) for record in page.records], next=page.next)


class DayAnswer(ResponseModel):
    """The proof of a day: a Merkle root over its entries, chained to the day before."""

    day: date
    entries: int
    root: str
    chained: str
    closed_at: EpochMs

    @classmethod
    def of(cls, root: DayRoot) -> Self:
        """Return the answer for a root."""
        return cls(day=root.day, entries=root.entries, root=root.root, chained=root.chained, closed_at=root.closed_ms)


class LedgerDays(ResponseModel):
    """The closed days, the newest first."""

    days: list[DayAnswer]

    @classmethod
    def of(cls, roots: Sequence[DayRoot]) -> Self:
        """Return the answer for roots."""
        return cls(days=[DayAnswer.of(root) for root in roots])


class ProofAnswer(ResponseModel):
    """That an entry is among those of its day: hash `leaf` with `path` upwards, and `root` comes out (RFC 6962)."""

    id: str
    leaf: str
    index: int
    path: list[str]
    previous: Annotated[str, Field(description="`chained` of the day before.")]
    day: DayAnswer

    @classmethod
    def of(cls, proof: EntryProof) -> Self:
        """Return the answer for a proof."""
        return cls(
            id=proof.entry_id,
            leaf=proof.leaf,
            index=proof.index,
            path=list(proof.path),
            previous=proof.previous,
            day=DayAnswer.of(proof.root),
        )
