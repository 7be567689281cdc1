"""What a model said at each candle of a history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from backtesting.evidence.forecasts import plans_of, record_of
from domain.arrays import IntArray
from domain.errors import InvalidRequest
from domain.forecasting import ANY_SYMBOL, Forecast, PastForecasts
from domain.naming.leaders import leader_of
from domain.trading.forecast_plans import PlanRecord
from features.indicators.ranges import average_true_ranges
from rules.forecast_plans import weigh_forecast
from rules.plans import HORIZON_CANDLES
from services.backtests.markets import BacktestMarket
from services.backtests.parameters import BacktestParameters

if TYPE_CHECKING:
    from models.registry.metadata import ModelMetadata
    from models.registry.registry import Registry


def past_forecasts(market: BacktestMarket, version: str, parameters: BacktestParameters) -> Mapping[int, Forecast]:
    """Return the forecasts of a version for candles that it was not trained on, by the moment of their close, epoch ms.

    The disagreement of an ensemble's members is not known of the past and counts as none.

    Args:
        market: What is traded.
        version: Its name.
        parameters: Where versions are, from which probability on they say Long or Short, and what a plan costs.

    Raises:
        ModelNotFound, ModelUnusable: the version cannot be loaded.
        InvalidRequest: it forecasts another market or timeframe.
        InsufficientData: too few of the candles are newer than its training.
    """
    from models.registry.registry import Registry
    from models.serving.forecasts import signal_of

    symbol, series, range_period = market.symbol, market.series, parameters.indicators.atr_period
    model, past, folds = _predicted(market, version, Registry.of(parameters.models))
    records = _records_then(past, folds, model, range_period)
    costs = parameters.costs.of(symbol)
    closes, prices, ranges = series.closes_ms, series.closes, average_true_ranges(series, range_period)
    forecasts = {}
    for at, probability, fold in zip(past.positions.tolist(), past.probability.tolist(), folds.tolist(), strict=True):
        record, price = records[fold], float(prices[at])
        forecasts[int(closes[at])] = Forecast(
            symbol=symbol,
            timeframe=model.timeframe,
            probability_up=probability,
            signal=signal_of(probability, parameters.models.serving),
            confidence=abs(2 * probability - 1),
            individual_predictions={},
            disagreement=0.0,
            horizon_candles=model.horizon_candles,
            model_type=model.type,
            model_version=version,
            expected_returns={},
            expected_drawdowns={},
            expected_rallies={},
            shipped=model.shipped,
            trained_until=model.trained_until_ms,
            verdict=model.skill,
            plan=record and weigh_forecast(record, symbol, probability, price, float(ranges[at]), costs),
        )
    return forecasts


def _predicted(
    market: BacktestMarket, version: str, registry: Registry
) -> tuple[ModelMetadata, PastForecasts, IntArray]:
    """Return a version, its predictions of candles that it was not trained on, and the fold of each."""
    from models.evaluation.time_axis import TimeAxis
    from models.serving.loaded_models import load_version
    from models.serving.unseen import none_unseen, unseen_predictions

    symbol, series = market.symbol, market.series
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
    leader = leader_of(symbol)
    others = {leader: market.leader} if leader and market.leader is not None else {}
    said = unseen_predictions(stored, load_version(registry, version), {symbol: series}, axis, known, others)
    if not len(said.rows):
        raise none_unseen(model, symbol, series)
    return model, PastForecasts(symbol, series, np.searchsorted(slots, said.rows), said.probability), said.fold


def _records_then(
    past: PastForecasts, folds: IntArray, model: ModelMetadata, range_period: int
) -> Mapping[int, PlanRecord | None]:
    """Return the record of the model's plans as it was known in each fold of its predictions.

    The record of the version includes the outcomes of its walk forward. So for predictions of the walk forward, the
    record is measured again on the plans that had ended when their fold began. All None where the version has none.
    """
    from models.serving.unseen import AFTER_TRAINING

    numbers = [int(fold) for fold in np.unique(folds)]
    if model.plans is None:
        return dict.fromkeys(numbers)
    plans, closes = plans_of(past, range_period), past.series.closes_ms
    records: dict[int, PlanRecord | None] = {AFTER_TRAINING: model.plans}
    for fold in numbers:
        if fold != AFTER_TRAINING:
            ended = int(past.positions[folds == fold][0]) - HORIZON_CANDLES
            known = plans.times_ms <= (closes[ended] if ended >= 0 else -1)
            records[fold] = record_of(plans.where(known), [past.symbol], past.series.timeframe)
    return records
