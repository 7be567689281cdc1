"""A drill as plain values; they say that it is simulated."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from services.ledger.drill.result import DrillResult
from services.ledger.drill.watching import WatchedRecord
from services.ledger.scoring.documents import record_document


def drill_document(result: DrillResult) -> dict[str, Any]:
    """Return a drill as plain values."""
    parameters = result.parameters
    failures = list(result.failures())
    return {
        "simulated": True,
        "days": parameters.days,
        "symbols": parameters.symbols,
        "timeframe": parameters.timeframe.value,
        **asdict(parameters.walk),
        "answers": result.answers,
        "entries": result.entries,
        "horizons": result.owed,
        "settled": result.settled,
        "neutral_share": result.neutral_share,
        "lanes": {
            lane.value: {"entries": counts.entries, "neutral_share": counts.neutral_share}
            for lane, counts in result.lanes.items()
        },
        "found_day": result.found_day,
        "records": [_record(known, fair=not parameters.walk.edge) for known in result.watched],
        "seconds": asdict(result.seconds),
        "passed": not failures,
        "failures": failures,
    }


def _record(known: WatchedRecord, *, fair: bool) -> dict[str, Any]:
    found = {"covers": known.covers if fair else None, "lift_day": known.lift_day}
    return {**record_document(known.record), **found}
