"""When a lane or a strategy is disabled by itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.section import Section, Switch
from domain.values import Share


class EmergencySettings(Section):
    """Critical bounds of live records; results of plans are in units of their risk."""

    enabled: Switch
    days: Annotated[int, Field(ge=1, le=400)]
    # With fewer independent calls an interval of means says nothing.
    min_calls: Annotated[int, Field(ge=30)]
    critical_hit_rate: Share
    critical_net_r: Annotated[float, Field(ge=-10, le=1)]
    check_minutes: Annotated[float, Field(ge=1, le=1440)]
    quiet_hours: Annotated[float, Field(ge=0, le=8760)]
