"""What a model or an LLM said at each candle of a history, for the lanes that need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import AwareDatetime, BaseModel

from domain.errors import InsufficientData, InvalidRequest
from domain.forecasting import ANY_SYMBOL, Forecast
from domain.market import CandleSeries, Timeframe
from domain.values import Share, Signal, epoch_ms
from services.backtests.lanes import (
    Caller,
    RecordedAnswer,
    blend_caller,
    model_caller,
    recorded_caller,
    rules_call,
    strategy_caller,
)
from services.backtests.markets import BacktestMarket
from services.backtests.order import BacktestOrder, lane_of


class _Exits(BaseModel):
    stop_loss_suggestion: float | None = None
    take_profit_suggestion: float | None = None


class StoredAnswer(BaseModel):
    """An answer of `POST /ai/analyze` that was kept; other keys of it are not read."""

    symbol: str
    timeframe: Timeframe
    signal: Signal
    confidence: Share
    source: str
    generated_at: AwareDatetime
    as_of: AwareDatetime | None = None
    risk_assessment: _Exits = _Exits()


def caller_of(market: BacktestMarket, order: BacktestOrder, answers: Sequence[StoredAnswer]) -> Caller:
    """Return what makes calls of judgements, by the lane of the order.

    Raises:
        ModelNotFound, ModelUnusable: the version cannot be loaded.
        InvalidRequest: it forecasts another market or timeframe, or there is no recorded answer for the market.
        InsufficientData: it was trained on all of the candles.
    """
    lane = lane_of(order.lane)
    if lane.kind == "strategy":
        return strategy_caller(lane.name)
    if lane.kind == "llm":
        return recorded_caller(_by_moment(market, answers))
    if lane.kind == "rules":
        return rules_call
    forecasts = past_forecasts(lane.name, market.symbol, market.series, order)
    if lane.kind == "model":
        return model_caller(forecasts)
    return blend_caller(forecasts, order.analysis.model_weight)


def past_forecasts(version: str, symbol: str, series: CandleSeries, order: BacktestOrder) -> Mapping[int, Forecast]:
    """Return the forecasts of a version for candles that it was not trained on, by their position.

    Those of its walk forward have no disagreement of members.
    """
    from models.evaluation.time_axis import TimeAxis
    from models.registry.registry import Registry
    from models.serving.forecasts import signal_of
    from models.serving.loaded_models import load_version
    from models.serving.unseen import unseen_predictions

    registry = Registry(Path(order.models.save_path))
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
    positions = np.searchsorted(slots, said.rows)
    return {
        position: Forecast(
            symbol=symbol,
            timeframe=model.timeframe,
            probability_up=probability,
            signal=signal_of(probability, order.models.serving),
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
        for position, probability in zip(positions.tolist(), said.probability.tolist(), strict=True)
    }


def _by_moment(market: BacktestMarket, answers: Sequence[StoredAnswer]) -> Mapping[int, RecordedAnswer]:
    """Return the answers of a market by the first close from their moment on: before it, nothing is filled."""
    series = market.series
    closes = series.sessions.closes_ms(series.times_ms, series.timeframe.ms)
    found: dict[int, RecordedAnswer] = {}
    own = [
        answer
        for answer in answers
        if answer.symbol == market.symbol and answer.timeframe is series.timeframe and answer.source == "llm"
    ]
    for answer in sorted(own, key=lambda answer: answer.as_of or answer.generated_at):
        at = int(np.searchsorted(closes, epoch_ms(answer.as_of or answer.generated_at)))
        if at < len(closes):
            exits = answer.risk_assessment
            stop, target = exits.stop_loss_suggestion, exits.take_profit_suggestion
            found[int(closes[at])] = RecordedAnswer(answer.signal, answer.confidence, stop, target)
    if not found:
        raise InvalidRequest(
            f"the recorded answers have none of an LLM on {market.symbol} {series.timeframe} in the time of the candles"
        )
    return found
