"""Recorded answers beside replays of the same candles, field by field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from domain.analysis import Analysis
from domain.forecasting import Forecast
from domain.ledger.entries import LedgerEntry, LedgerLane, Origin
from rules.judgement import Judgement
from services.ledger.recording.statements import AnswerBasis, Statement, of_signal

# Lanes that answer again as they did; an LLM does not.
REPLAYED_LANES = frozenset({LedgerLane.RULES, LedgerLane.MODEL, LedgerLane.BLEND})
# Figures are equal up to the rounding of floating point.
_EQUAL = 1e-9


@dataclass(frozen=True)
class FieldDifference:
    """One field of an entry.

    Attributes:
        field: Its name, as of `LedgerEntry`.
        recorded, replayed: As it was said, and as it would be; None where there is none.
        difference: `replayed` less `recorded`; None of sides, and where one of the two has no figure.
        equal: Whether both say the same.
    """

    field: str
    recorded: float | str | None
    replayed: float | str | None
    difference: float | None
    equal: bool


@dataclass(frozen=True)
class EntryDifference:
    """The fields of one entry."""

    entry_id: str
    lane: LedgerLane
    fields: tuple[FieldDifference, ...]


@dataclass(frozen=True)
class ReplayedForecast:
    """The forecast of a model whose forecasts the ledger does not settle, as one of a further horizon.

    Attributes:
        horizon_candles: Ahead.
        version: In production then.
        probability_up: As it was kept of that candle, and as it would be said; nothing is kept where the service had no
            loop over the market then.
    """

    horizon_candles: int
    version: str
    probability_up: FieldDifference


def forecast_beside(said: Forecast, recorded: float | None) -> ReplayedForecast:
    """Return a forecast of a replay beside the probability that was kept of its candle; None where nothing was."""
    compared = _figure("probability_up", recorded, said.probability_up)
    return ReplayedForecast(said.horizon_candles, said.model_version, compared)


def statements_of(analysis: Analysis, judgement: Judgement) -> dict[LedgerLane, Statement]:
    """Return what each lane says in a replay."""
    return {said.lane: said for said in of_signal(analysis, AnswerBasis.of(judgement))}


def compare(entry: LedgerEntry, said: Mapping[LedgerLane, Statement], price: float) -> EntryDifference | None:
    """Return the fields of an entry beside those of a replay.

    Args:
        entry: As it was recorded.
        said: By lane, in the replay.
        price: Of the replay.

    Returns:
        None where there is nothing to compare: the LLM's entries, trends, and lanes that say nothing in the replay.
    """
    replayed = said.get(entry.lane)
    if replayed is None or entry.lane not in REPLAYED_LANES or entry.origin is Origin.TREND:
        return None
    return EntryDifference(entry.id, entry.lane, fields_of(entry, replayed, price))


def fields_of(entry: LedgerEntry, said: Statement, price: float) -> tuple[FieldDifference, ...]:
    """Return the fields of an entry beside a statement of the same lane."""
    pairs: dict[str, tuple[float | None, float | None]] = {
        "confidence": (entry.confidence, said.confidence),
        "price": (entry.price, price),
        "stop": (entry.stop, said.stop),
        "target": (entry.target, said.target),
        "probability_up": (entry.probability_up, said.probability_up),
    }
    side = FieldDifference("side", entry.side.value, said.side.value, None, entry.side is said.side)
    return side, *(_figure(name, *values) for name, values in pairs.items())


def _figure(name: str, recorded: float | None, replayed: float | None) -> FieldDifference:
    if recorded is None or replayed is None:
        return FieldDifference(name, recorded, replayed, None, recorded is replayed)
    equal = math.isclose(recorded, replayed, rel_tol=_EQUAL, abs_tol=_EQUAL)
    return FieldDifference(name, recorded, replayed, replayed - recorded, equal)
