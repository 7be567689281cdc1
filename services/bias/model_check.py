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


def model_check(forecaster: Forecaster, leader: CandleSeries | None = None) -> BiasCheck:
    """Return the check of a version's probability of a rise, as backtests ask it: over all candles at once.

    Args:
        forecaster: The version.
        leader: Closed candles of what leads the market, where the version reads them and they are known. Measured are
            those since the first candle of the market, up to the last that is asked about: so its future is cut off
            where that of the market is changed, and its history is as long as that of the market.
    """

    def measure(series: CandleSeries, positions: IntArray) -> dict[str, Values]:
        times = series.times_ms[positions]
        beside = _between(leader, int(series.times_ms[0]), int(times[-1])) if leader else None
        said = predict_series(forecaster, series, int(times[0]) - 1, int(times[-1]), beside)
        probability = np.full(len(series), np.nan)
        probability[said.positions] = said.probability
        return {forecaster.metadata.version: probability[positions]}

    return BiasCheck(BiasKind.MODEL, measure, each=True, tolerance=SINGLE_PRECISION)


def _between(series: CandleSeries, first_ms: int, last_ms: int) -> CandleSeries | None:
    """Return the candles from one open time to another; None where there are none."""
    begin, end = (int(series.times_ms.searchsorted(moment)) for moment in (first_ms, last_ms + 1))
    return series.part(begin, end) if end > begin else None
