"""Candidates that forecast beside the model in production before they may replace it: what is kept of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from domain.forecasting import VersionName
from domain.values import Frozen

# Of a symbol and timeframe; older ones are forgotten.
MAX_ENDED = 20

# `superseded`: another version came into production, or a newer candidate began, before it was decided.
ShadowEnd = Literal["promoted", "refused", "superseded"]
Count = Annotated[int, Field(ge=0)]


class Shadow(Frozen):
    """A candidate beside the version in production; it has passed the gate.

    Attributes:
        version: Of the candidate.
        production: The version that serves, and with which it is compared.
        since: When it began.
        reason: The decision of the gate, in words.
    """

    version: VersionName
    production: VersionName
    since: AwareDatetime
    reason: Annotated[str, Field(min_length=1)]


class ShadowFigures(Frozen):
    """Settled forecasts of both on the same candles.

    Attributes:
        settled: Candles of which both forecasts are settled.
        produced: Settled forecasts of the version in production since then, whether or not the candidate has one too.
        brier_gain: Mean Brier loss of the version in production less that of the candidate; above 0 the candidate is
            better. None before the first.
        low, high: Interval of it, which holds at every look; None while the candles are too few.
    """

    settled: Count = 0
    produced: Count = 0
    brier_gain: float | None = None
    low: float | None = None
    high: float | None = None


class EndedShadow(Shadow):
    """How a shadow ended.

    Attributes:
        at: When.
        end: How.
        why: In words, with the figures.
        figures: By which it was decided; None where it was not decided by figures.
    """

    at: AwareDatetime
    end: ShadowEnd
    why: Annotated[str, Field(min_length=1)]
    figures: ShadowFigures | None = None


def ended(
    shadow: Shadow, at: AwareDatetime, end: ShadowEnd, why: str, figures: ShadowFigures | None = None
) -> EndedShadow:
    """Return the record of a shadow that ends."""
    return EndedShadow(**dict(shadow), at=at, end=end, why=why, figures=figures)
