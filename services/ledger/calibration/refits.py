"""Refits: versions of the record of a timeframe, each fitted on the plans that were settled at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from backtesting.evidence.curve import count_clusters, refit_curve
from backtesting.evidence.samples import MeasuredPlans
from domain.market import Timeframe
from rules.evidence.measured import MeasuredEvidence, TimeframeRecord
from rules.evidence.weighing import REACH

# With fewer clusters of time, or independent plans, an error is no more than a guess.
LEAST_CLUSTERS = 12
LEAST_PLANS = 100


class RefitState(StrEnum):
    """State of a refit: on trial, in use, renewed by a later fit, or worse than the record in use."""

    CANDIDATE = "candidate"
    ADOPTED = "adopted"
    RENEWED = "renewed"
    DROPPED = "dropped"


@dataclass(frozen=True)
class Refit:
    """One version.

    Attributes:
        refit_id: Unique.
        base: Hash of the evidence of the file that it began from.
        timeframe: Of the record.
        multiplier: Its weight, as a multiple of the weight in use when it was fitted.
        weight, error, built_from: As of `TimeframeRecord`.
        replaces: `built_from` of the record in use when it was fitted.
        plans: Independent plans that it was fitted on.
        created_at: When it was fitted: on plans that were settled then, judged on those that became known later.
        state, reason: The decision on it, and why.
        decided_at: When; None while it is a candidate.
    """

    refit_id: str
    base: str
    timeframe: Timeframe
    multiplier: float
    weight: float
    error: float
    built_from: str
    replaces: str
    plans: int
    created_at: datetime
    state: RefitState
    reason: str
    decided_at: datetime | None

    @classmethod
    def read(cls, document: dict[str, Any]) -> Refit:
        """Return the refit of a stored document."""
        known = {name: document[name] for name in cls.__dataclass_fields__}
        return cls(**known | {"timeframe": Timeframe(known["timeframe"]), "state": RefitState(known["state"])})

    @property
    def document(self) -> dict[str, Any]:
        """The document to store."""
        return asdict(self) | {"timeframe": self.timeframe.value, "state": self.state.value}


def limits(shipped: TimeframeRecord) -> tuple[float, float]:
    """Return the least and the greatest weight of refits: all between zero and the 95 % interval that was shipped.

    Weeks of plans may show that the support is worth nothing any more. That it is worth more than years of candles
    leave open, they may not: their clusters are few, and a market that runs one way for weeks looks like that.
    """
    reach = REACH * shipped.error
    return min(shipped.weight - reach, 0.0), max(shipped.weight + reach, 0.0)


def fit(
    record: TimeframeRecord, shipped: TimeframeRecord, plans: MeasuredPlans, base: str, now: datetime
) -> Refit | None:
    """Return a candidate: the record in use after these plans, within `limits`; None where they are too few.

    Args:
        record: In use, by which the plans were stated.
        shipped: Of the same timeframe in the evidence file.
        plans: All that are settled by now.
        base: Hash of the evidence of the file.
        now: When.
    """
    if not record.error or count_clusters(plans.times_ms, record.timeframe) < LEAST_CLUSTERS:
        return None
    curve = refit_curve(plans, record.timeframe, record.weight, record.error)
    if curve.plans < LEAST_PLANS:
        return None
    least, greatest = limits(shipped)
    weight = min(max(curve.weight, least), greatest)
    origin = record.built_from.partition(", refitted")[0]
    built_from = f"{origin}, refitted from {len(plans)} settled plans to {now:%Y-%m-%d}"
    return Refit(
        refit_id=f"{base}-{record.timeframe}-{now:%Y%m%dT%H%M%S}",
        base=base,
        timeframe=record.timeframe,
        multiplier=round(weight / record.weight, 4),
        weight=round(weight, 6),
        error=round(curve.error, 6),
        built_from=built_from,
        replaces=record.built_from,
        plans=curve.plans,
        created_at=now,
        state=RefitState.CANDIDATE,
        reason="on trial: it is judged on plans that become known after its fit",
        decided_at=None,
    )


def on_trial(candidate: Refit, own: Sequence[Refit]) -> list[Refit]:
    """Return the candidate and the ones that it renewed, back to the last one that was decided on."""
    trial = [candidate]
    for refit in sorted(own, key=lambda refit: refit.created_at, reverse=True):
        if refit.created_at < candidate.created_at:
            if refit.state is not RefitState.RENEWED or refit.replaces != candidate.replaces:
                break
            trial.append(refit)
    return trial


def evidence_history(shipped: MeasuredEvidence, adopted: Iterable[Refit]) -> Iterator[MeasuredEvidence]:
    """Yield the evidence of the file, and then the evidence in use after each adopted refit, in their order."""
    evidence = shipped
    yield evidence
    for refit in sorted(adopted, key=lambda refit: (refit.decided_at or refit.created_at, refit.refit_id)):
        evidence = evidence.model_copy(update={"records": _replaced(evidence.records, refit)})
        yield evidence


def _replaced(records: Sequence[TimeframeRecord], refit: Refit) -> tuple[TimeframeRecord, ...]:
    return tuple(
        record.model_copy(
            update={
                "weight": refit.weight,
                "error": refit.error,
                "built_from": refit.built_from,
                "plans": record.plans + refit.plans,
            }
        )
        if record.timeframe is refit.timeframe
        else record
        for record in records
    )
