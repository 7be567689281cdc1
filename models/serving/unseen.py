"""Predictions of a registered version for candles that it was not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from domain.arrays import FloatArray
from domain.errors import InsufficientData
from domain.forecasting import ANY_SYMBOL
from domain.market import CandleSeries
from domain.values import utc_time
from models.evaluation.out_of_sample import OutOfSample
from models.evaluation.time_axis import TimeAxis
from models.registry.artifacts import StoredVersion
from models.registry.metadata import PREDICTIONS_FILE, ModelMetadata
from models.serving.forecaster import Forecaster
from models.serving.series_predictions import predict_series

# The fold of predictions that the version itself makes, for candles after its training data.
AFTER_TRAINING = -1


def unseen_predictions(
    stored: StoredVersion,
    forecaster: Forecaster,
    markets: Mapping[str, CandleSeries],
    axis: TimeAxis,
    returns: FloatArray,
    others: Mapping[str, CandleSeries] = MappingProxyType({}),
) -> OutOfSample:
    """Return the predictions of its walk forward, and those that it makes now for newer candles.

    The former were made by models whose training data ended before the candles.

    Args:
        stored: The version.
        forecaster: The loaded version.
        markets: Candles by symbol; those of other symbols than the version's are left out.
        axis: Axis of these markets.
        returns: Forward return by slot, NaN where unknown; such slots are left out.
        others: Candles of markets that are not predicted, but may lead those that are.

    Raises:
        ModelCorrupt: the version's predictions cannot be read.
        InvalidRequest: the version was imported, so its training data are not known.
    """
    metadata = stored.metadata
    last_ms = metadata.require_data().last_ms
    parts = [axis.load(stored.read(PREDICTIONS_FILE))] if PREDICTIONS_FILE in metadata.files else []
    for symbol, series in markets.items():
        if metadata.symbol in (symbol, ANY_SYMBOL):
            leader = metadata.leader(symbol)
            led_by = {**others, **markets}.get(leader) if leader else None
            later = predict_series(forecaster, series, last_ms, leader=led_by)
            slots = axis.slots(series.times_ms[later.positions], symbol)
            known = (slots < len(returns)) & np.isfinite(returns[np.minimum(slots, len(returns) - 1)])
            slots, said = slots[known], later.probability[known]
            parts.append(OutOfSample(slots, said, said, returns[slots], np.full(len(slots), AFTER_TRAINING)))
    rows, first = np.unique(np.concatenate([part.rows for part in parts] or [np.empty(0, np.int64)]), return_index=True)
    columns = (
        np.concatenate([getattr(part, name) for part in parts] or [np.empty(0)])[first]
        for name in ("probability", "raw", "returns", "fold")
    )
    return OutOfSample(rows, *columns)


def none_unseen(metadata: ModelMetadata, symbol: str, series: CandleSeries) -> InsufficientData:
    """Return the error for candles without a prediction out of sample.

    Raises:
        InvalidRequest: as `unseen_predictions`.
    """
    until = utc_time(metadata.require_data().last_ms + metadata.timeframe.ms)
    end = utc_time(series.last_close_ms)
    return InsufficientData(
        f"{metadata.version} was trained on candles up to {until:%Y-%m-%d %H:%M} UTC; those of {symbol} end at "
        f"{end:%Y-%m-%d %H:%M}, and too few of them are newer"
    )
