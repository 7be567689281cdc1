"""What all value objects are made of: the base that they share, shares, prices, texts of a form, and the signal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

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


def minute_text(time_ms: int) -> str:
    """Return epoch milliseconds as a minute of UTC for a person, such as 2026-01-31 09:30."""
    return f"{utc_time(time_ms):%Y-%m-%d %H:%M}"


def day_text(time_ms: int) -> str:
    """Return epoch milliseconds as a day of UTC for a person, such as 2026-01-31."""
    return f"{utc_time(time_ms):%Y-%m-%d}"


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


@dataclass(frozen=True)
class TextForm:
    """A constraint of pydantic for `Annotated[str, TextForm(…)]`; JSON schemas show it as `pattern`.

    Attributes:
        pattern: Regular expression of the whole text, from `^` to `$`.
        needs: The same for a person, such as "needs a date such as 2026-01-31".
    """

    pattern: str
    needs: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the text after its type."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Name the pattern in documents."""
        return {**handler(schema), "pattern": self.pattern}

    def _checked(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text):
            raise ValueError(self.needs)
        return text
