"""The check of a model's forecasts."""

from __future__ import annotations

import numpy as np

from backtesting.bias.checks import BiasCheck, BiasKind, Values
from domain.arrays import IntArray
from domain.market import CandleSeries
from models.serving.forecaster import Forecaster
from models.serving.series_predictions import predict_series

# Networks compute in single precision, and round otherwise in another batch.
SINGLE_PRECISION = 1e-5


def model_check(forecaster: Forecaster) -> BiasCheck:
    """Return the check of a version's probability of a rise, as backtests ask it: over all candles at once."""

    def measure(series: CandleSeries, positions: IntArray) -> dict[str, Values]:
        times = series.times_ms[positions]
        said = predict_series(forecaster, series, int(times[0]) - 1, int(times[-1]))
        probability = np.full(len(series), np.nan)
        probability[said.positions] = said.probability
        return {forecaster.metadata.version: probability[positions]}

    return BiasCheck(BiasKind.MODEL, measure, each=True, tolerance=SINGLE_PRECISION)
