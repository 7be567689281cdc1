"""The nightly self-analysis: when a week is acceptable, and whether its advice may begin a training."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.section import Count, Section, Switch
from domain.values import Share


class SelfAnalysisSettings(Section):
    """Bounds within which the newest days are acceptable; results of plans are in units of their risk."""

    days: Annotated[int, Field(ge=1, le=90)]
    min_calls: Count
    min_hit_rate: Share
    min_net_r: Annotated[float, Field(ge=-1, le=10)]
    max_hit_rate_drop: Share
    max_brier_rise: Share
    may_retrain: Switch
