"""How models are judged and recalibrated, and how the service watches itself: drift, newest days, what surely loses."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.section import Count, Part, Positive, Section, SomeShare, Switch
from domain.values import Share

CalibrationKind = Literal["sigmoid", "slope", "isotonic", "none"]
# A share of right answers above which one does not believe them.
Suspicious = Annotated[float, Field(gt=0.5, le=1)]


class EvaluationSettings(Section):
    """How a candidate is judged: on the newest rows, fold after fold, each row once.

    Above `suspicious_accuracy` or `suspicious_auc` out of sample it is not promoted: its features tell the future.
    """

    folds: Count
    test_share: Part
    validation_share: Part
    calibration: CalibrationKind
    pooled_calibration: CalibrationKind
    bootstrap_samples: Annotated[int, Field(ge=200)]
    bootstrap_block: Count
    min_test_windows: Count
    suspicious_accuracy: Suspicious
    suspicious_auc: Suspicious


class DriftSettings(Section):
    """Limits are distances beyond what is usual in training; those of the Brier loss are its standard deviations."""

    check_seconds: Annotated[float, Field(ge=60, le=604_800)]
    candles: Annotated[int, Field(ge=50, le=5_000)]
    psi_notice: Positive
    psi_alarm: Positive
    ks_notice: SomeShare
    ks_alarm: SomeShare
    features_share: SomeShare
    brier_entries: Annotated[int, Field(ge=100, le=20_000)]
    brier_min_entries: Count
    brier_delta: Positive
    brier_threshold: Positive

    @model_validator(mode="after")
    def _notice_before_alarm(self) -> Self:
        if self.psi_notice > self.psi_alarm or self.ks_notice > self.ks_alarm:
            raise ValueError("a notice cannot need more than an alarm")
        return self


class RecalibrationSettings(Section):
    """How calibrations are renewed from settled forecasts: how often, of how many and how old ones, and how judged.

    `judged_share` is of the newest ones, on which a renewed calibration has to be better; `symbol_deviation` the
    standard deviation of the slopes of symbols around that of all.
    """

    interval_days: Annotated[float, Field(ge=1, le=366)]
    window_days: Annotated[float, Field(ge=7, le=3_660)]
    min_forecasts: Annotated[int, Field(ge=200)]
    judged_share: Part
    symbol_deviation: Positive


class SelfAnalysisSettings(Section):
    """Bounds within which the newest days are acceptable; results of plans are in units of their risk."""

    days: Annotated[int, Field(ge=1, le=90)]
    min_calls: Count
    min_hit_rate: Share
    min_net_r: Annotated[float, Field(ge=-1, le=10)]
    max_hit_rate_drop: Share
    max_brier_rise: Share
    may_retrain: Switch


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
