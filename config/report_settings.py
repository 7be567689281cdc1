"""Settings of reports, and of the notices that operators get."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from config.section import Count, Seconds, Section
from domain.reports import ReportKind

Fraction = Annotated[float, Field(ge=0, le=1)]
PeerUrl = Annotated[str, Field(pattern=r"^(https?://[^\s/@]+(/[^\s]*)?|tcp://[^\s/@:]+:[0-9]{1,5})$")]


def _hour(value: Any) -> Any:
    """Accept 22:00, which YAML 1.1 reads as a number of base 60, and an empty text for no time."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        return time(value // 60, value % 60)
    return None if value == "" else value


HourOfDay = Annotated[time | None, BeforeValidator(_hour)]


class ReportSettings(Section):
    """When figures are worth a warning. Shares are 0 to 1; costs are judged by `llm.budgets`."""

    keep_days: Count
    always_notify: tuple[ReportKind, ...]
    peers: tuple[PeerUrl, ...]
    peer_timeout_seconds: Seconds
    disk_warning_share: Fraction
    disk_critical_share: Fraction
    memory_warning_share: Fraction
    memory_critical_share: Fraction
    performance_days: Annotated[int, Field(ge=1, le=400)]
    least_results: Annotated[int, Field(ge=30)]
    win_rate_target: Fraction
    win_rate_critical: Fraction
    sharpe_target: Annotated[float, Field(allow_inf_nan=False)]
    sharpe_critical: Annotated[float, Field(allow_inf_nan=False)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for name in ("disk", "memory"):
            if getattr(self, f"{name}_critical_share") > getattr(self, f"{name}_warning_share"):
                raise ValueError(f"{name}_critical_share must not be above {name}_warning_share")
        for name in ("win_rate", "sharpe"):
            if getattr(self, f"{name}_critical") > getattr(self, f"{name}_target"):
                raise ValueError(f"{name}_critical must not be above {name}_target")
        return self


class NoticeSettings(Section):
    """Where notices go, and how often; `urls` are addresses of apprise, which hold secrets."""

    urls: tuple[SecretStr, ...] = ()
    repeat_minutes: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    quiet_from: HourOfDay
    quiet_until: HourOfDay
    max_waiting: Count
    max_attempts: Count
    retry_seconds: Seconds
    timeout_seconds: Seconds
    keep_days: Count

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValueError("quiet hours need both quiet_from and quiet_until, or neither")
        return self
