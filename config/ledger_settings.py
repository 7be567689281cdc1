"""The ledger: how long entries are kept, how many of those that never count, and what becomes of lanes without lift."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.section import Count, Section
from domain.values import Share


class LedgerSettings(Section):
    """Bounds of the ledger."""

    # A stretch of 24 weeks and its settlement, 24 weeks later: no sum is made anew from a part of its entries.
    retention_days: Annotated[int, Field(ge=366)]
    settle_seconds: Annotated[float, Field(ge=1, le=3600)]
    lane_trial_calls: Count
    lane_sample_share: Share
    max_apart_per_day: Count
    parity_answers: Count
    keep_refits: Annotated[int, Field(ge=10, le=1000)]
