"""What a model would have stated in service: recalibrated as its own forecasts settle, like one in production."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from config.model_settings import ModelSettings
from domain.arrays import BoolArray, FloatArray
from domain.market import Timeframe
from domain.values import epoch_ms
from models.evaluation.out_of_sample import OutOfSample
from models.evaluation.time_axis import TimeAxis
from models.recalibration.fitting import SettledForecasts
from models.recalibration.judging import RecalibrationGate, calibrated
from models.recalibration.records import Recalibration

# The schedule looks once a day for a model whose recalibration is due.
_LOOKS = timedelta(days=1)


def recalibrated(
    said: OutOfSample, axis: TimeAxis, timeframe: Timeframe, horizon: int, models: ModelSettings
) -> OutOfSample:
    """Return the predictions of a learner with the corrections that had been taken by the time of each.

    The learner of each fold is a version of its own, with nothing settled at the beginning.

    Args:
        said: Calibrated predictions, one row or more.
        axis: Of their rows.
        timeframe: Of the candles.
        horizon: Candles ahead that are predicted, >= 1.
        models: Says how often and of how many forecasts it is recalibrated.
    """
    probability = said.probability.copy()
    for number in np.unique(said.fold):
        own = said.fold == number
        part = said.part(own)
        forecasts = SettledForecasts(
            axis.times_ms(part.rows) + timeframe.ms,
            part.probability,
            part.returns > 0.0,
            part.rows % len(axis.markets),
            axis.markets,
        )
        gate = RecalibrationGate(models, len(axis.markets), horizon, timeframe.ms)
        probability[own] = _in_service(forecasts, part.returns != 0.0, gate)
    return replace(said, probability=probability)


def _in_service(forecasts: SettledForecasts, moved: BoolArray, gate: RecalibrationGate) -> FloatArray:
    """Return the probabilities of one version, day by day as it serves."""
    own, times = gate.settings.recalibration, forecasts.times_ms
    settled_ms = times + gate.horizon * gate.candle_ms
    window, pause = timedelta(days=own.window_days), timedelta(days=own.interval_days)
    stated = forecasts.probability.copy()
    in_force: Recalibration | None = None
    at, last = (datetime.fromtimestamp(int(time) / 1000, UTC) for time in times[[0, -1]])
    while at <= last:
        known = moved & (settled_ms <= epoch_ms(at)) & (times >= epoch_ms(at - window))
        following = at + _LOOKS
        if known.sum() >= gate.needed:
            found = gate.judge(forecasts.part(known), in_force, at)
            in_force, following = found if found.taken else in_force, at + pause
        if in_force is not None:
            during = (times >= epoch_ms(at)) & (times < epoch_ms(following))
            stated[during] = calibrated(forecasts.part(during), in_force.symbols, in_force.pooled)
        at = following
    return stated
