"""What a model said at each candle of a history."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from config.model_settings import ModelSettings
from domain.errors import InsufficientData, InvalidRequest
from domain.forecasting import ANY_SYMBOL, Forecast
from services.backtests.markets import BacktestMarket


def past_forecasts(market: BacktestMarket, version: str, models: ModelSettings) -> Mapping[int, Forecast]:
    """Return the forecasts of a version for candles that it was not trained on, by the moment of their close, epoch ms.

    The disagreement of an ensemble's members is not known of the past and counts as none.

    Raises:
        ModelNotFound, ModelUnusable: the version cannot be loaded.
        InvalidRequest: it forecasts another market or timeframe.
        InsufficientData: it was trained on all of the candles.
    """
    from models.evaluation.time_axis import TimeAxis
    from models.registry.registry import Registry
    from models.serving.forecasts import signal_of
    from models.serving.loaded_models import load_version
    from models.serving.unseen import unseen_predictions

    symbol, series = market.symbol, market.series
    registry = Registry(Path(models.save_path))
    stored = registry.open(version)
    model = stored.metadata
    if model.timeframe is not series.timeframe or model.symbol not in (symbol, ANY_SYMBOL):
        raise InvalidRequest(
            f"{version} forecasts {model.symbol} {model.timeframe}, what is traded is {symbol} {series.timeframe}"
        )
    axis = TimeAxis.of({symbol: series})
    slots = axis.slots(series.times_ms, symbol)
    # The returns only say which candles are there to be predicted.
    known = np.zeros(int(slots[-1]) + 1)
    said = unseen_predictions(stored, load_version(registry, version), {symbol: series}, axis, known)
    if not len(said.rows):
        raise InsufficientData(f"{version} was trained on all of these candles of {symbol}")
    closes = series.closes_ms
    moments = closes[np.searchsorted(slots, said.rows)]
    return {
        moment_ms: Forecast(
            symbol=symbol,
            timeframe=model.timeframe,
            probability_up=probability,
            signal=signal_of(probability, models.serving),
            confidence=abs(2 * probability - 1),
            individual_predictions={},
            disagreement=0.0,
            horizon_candles=model.horizon_candles,
            model_type=model.type,
            model_version=version,
            expected_returns={},
            expected_drawdowns={},
            expected_rallies={},
        )
        for moment_ms, probability in zip(moments.tolist(), said.probability.tolist(), strict=True)
    }
