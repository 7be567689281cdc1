"""The guards around every answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.section import Count, NotNegative, Section
from domain.values import Share


class GuardSettings(Section):
    """Bounds that a Long or Short has to keep; shares are fractions of all candles, or of the capital."""

    min_candles: Annotated[int, Field(ge=60)]
    max_missing_share: Share
    hysteresis: Annotated[float, Field(ge=0, le=0.5)]
    cooldown_candles: Annotated[int, Field(ge=0)]
    max_exposure: NotNegative
    max_correlation: Share
    open_candles: Count
