"""What a model or an LLM said at each candle of a history, for the lanes that need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import AwareDatetime, BaseModel

from config.model_settings import ModelSettings
from domain.arrays import IntArray
from domain.errors import InsufficientData, InvalidRequest
from domain.forecasting import ANY_SYMBOL, Forecast
from domain.market import CandleSeries, Timeframe
from domain.values import Share, Signal, epoch_ms
from services.backtests.lanes import (
    Caller,
    RecordedAnswer,
    blend_call,
    model_call,
    recorded_caller,
    rules_call,
    strategy_caller,
)
from services.backtests.markets import BacktestMarket
from services.backtests.order import LaneName


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


def caller_of(market: BacktestMarket, lane: LaneName, answers: Sequence[StoredAnswer]) -> Caller:
    """Return what makes calls of judgements.

    Raises:
        InvalidRequest: there is no recorded answer for the market.
    """
    if lane.kind == "strategy":
        return strategy_caller(lane.name)
    if lane.kind == "llm":
        return recorded_caller(_by_moment(market, answers))
    return {"rules": rules_call, "model": model_call, "blend": blend_call}[lane.kind]


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
    moments = _closes(series)[np.searchsorted(slots, said.rows)]
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


def _by_moment(market: BacktestMarket, answers: Sequence[StoredAnswer]) -> Mapping[int, RecordedAnswer]:
    """Return the answers of a market by the first close from their moment on: before it, nothing is filled."""
    series = market.series
    closes = _closes(series)
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


def _closes(series: CandleSeries) -> IntArray:
    return series.sessions.closes_ms(series.times_ms, series.timeframe.ms)
