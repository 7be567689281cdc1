"""Settings of the watch over models in production: how much is compared, and from which distance on it matters."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from config.section import Count, Section

Distance = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(gt=0, le=1)]


class DriftSettings(Section):
    """Limits are distances beyond what is usual in training; those of the Brier loss are its standard deviations."""

    check_seconds: Annotated[float, Field(ge=60, le=604_800)]
    candles: Annotated[int, Field(ge=50, le=5_000)]
    psi_notice: Distance
    psi_alarm: Distance
    ks_notice: Fraction
    ks_alarm: Fraction
    features_share: Fraction
    brier_entries: Annotated[int, Field(ge=100, le=20_000)]
    brier_min_entries: Count
    brier_delta: Distance
    brier_threshold: Distance

    @model_validator(mode="after")
    def _notice_before_alarm(self) -> Self:
        if self.psi_notice > self.psi_alarm or self.ks_notice > self.ks_alarm:
            raise ValueError("a notice cannot need more than an alarm")
        return self
