"""Answers of a version, corrected by its settled forecasts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from domain.forecasting import Driver
from models.evaluation.calibration import Calibration
from models.serving.forecaster import Forecasts


def recalibrated(forecasts: Forecasts, calibration: Calibration) -> Forecasts:
    """Return answers with the calibration of their symbol; members of an ensemble stay as they are.

    The confidence follows from the new probability and the disagreement, as `models.serving.ensemble` has it.
    """
    probability = calibration.apply(forecasts.probability_up)
    alone = len(forecasts.members) == 1
    return replace(
        forecasts,
        probability_up=probability,
        members=dict.fromkeys(forecasts.members, probability) if alone else forecasts.members,
        confidence=np.abs(2.0 * probability - 1.0) * (1.0 - 2.0 * forecasts.disagreement),
    )


def stretched(drivers: tuple[Driver, ...], calibration: Calibration) -> tuple[Driver, ...]:
    """Return drivers whose contributions are in log odds of the corrected probability."""
    return tuple(
        driver.model_copy(update={"contribution": driver.contribution * calibration.slope}) for driver in drivers
    )
