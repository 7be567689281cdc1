"""What all value objects are made of: the base that they share, shares, prices and the signal."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Price = Annotated[float, Field(gt=0, allow_inf_nan=False)]


SIGNIFICANT_DIGITS = 8
# Milliseconds since 1970 have 12 to 14 digits from 1973 to 5138: fewer are seconds, more are micro- or nanoseconds.
FIRST_MS = 10**11
LAST_MS = 10**14
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def round_significant(value: float) -> float:
    """Return the value with eight significant digits: never zero, whatever the unit of the price."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def epoch_ms(moment: datetime) -> int:
    """Return an aware time as epoch milliseconds."""
    return round(moment.timestamp() * 1000)


def utc_time(time_ms: int) -> datetime:
    """Return epoch milliseconds as an aware UTC time."""
    return datetime.fromtimestamp(time_ms / 1000, UTC)


class Frozen(BaseModel):
    """Base of the value objects: immutable, no unknown keys, no NaN or infinity."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, json_schema_serialization_defaults_required=True
    )


class Signal(StrEnum):
    """What to do: buy, sell, or stay out."""

    LONG = "Long"
    SHORT = "Short"
    NEUTRAL = "Neutral"

    @property
    def side(self) -> int:
        """1 of Long, -1 of Short, 0 of Neutral."""
        return _SIDES[self]


_SIDES = {Signal.LONG: 1, Signal.SHORT: -1, Signal.NEUTRAL: 0}
