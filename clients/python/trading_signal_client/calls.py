"""What can be asked; send a call with `Client` or `AsyncClient`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypedDict, TypeVar
from urllib.parse import quote

from trading_signal_client import answers

A = TypeVar("A", bound=answers.Answer)


class Candle(TypedDict):
    """One candle: open time in epoch ms (UTC), prices in quote currency, volume in base currency."""

    timestamp: int
    open: float
    high: float
    low: float
    close: float
    volume: float


Candles = Mapping[answers.Timeframe, Sequence[Candle]]


@dataclass(frozen=True)
class Call(Generic[A]):
    """A request and the type of its answer."""

    operation: str
    method: str
    template: str
    answer: type[A]
    body: Mapping[str, Any] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path with its parameters."""
        return self.template.format(**{name: quote(value, safe="") for name, value in self.parameters.items()})


def analyze(
    symbol: str,
    candles: Candles | None = None,
    *,
    price: float | None = None,
    volume_24h: float = 0,
    strategies: Sequence[str] = (),
) -> Call[answers.Analysis]:
    """Analyze a market; without candles the service fetches them.

    Args:
        symbol: Such as BTCUSDT.
        candles: By timeframe, oldest first, one of them with 60 closed ones or more.
        price: Now; without it the newest close of the shortest timeframe.
        volume_24h: In base currency.
        strategies: Those that have a say; all, if none is named.
    """
    body = _market(symbol, candles, price, volume_24h) | {"strategy_context": {"selected_strategies": list(strategies)}}
    return Call("analyze", "POST", "/ai/analyze", answers.Analysis, body)


def predict(
    symbol: str, candles: Candles | None = None, *, price: float | None = None, volume_24h: float = 0
) -> Call[answers.Prediction]:
    """Ask the model in production; the arguments are those of `analyze`."""
    return Call("predict", "POST", "/ai/predict", answers.Prediction, _market(symbol, candles, price, volume_24h))


def predict_trend(symbol: str, timeframe: answers.Timeframe = "4h") -> Call[answers.Trend]:
    """Ask which way a symbol goes."""
    body = {"symbol": symbol, "timeframe": timeframe}
    return Call("predict_trend", "POST", "/predict-trend", answers.Trend, body)


def forecast(
    ticker: str, timeframe: answers.Timeframe | None = None, *, steps: int = 5, coverage: float = 0.9
) -> Call[answers.TickerForecast]:
    """Ask for prices 1 to `steps` (at most 30) candles ahead, and for the signal of the model."""
    body = {"ticker": ticker, "timeframe": timeframe, "steps": steps, "coverage": coverage}
    path = "/api/v1/ml/predict/comprehensive"
    return Call("ml_predict_comprehensive", "POST", path, answers.TickerForecast, body)


def strategies() -> Call[answers.Strategies]:
    """Ask for the names that `analyze` takes."""
    return Call("strategies", "GET", "/ai/strategies", answers.Strategies)


def info() -> Call[answers.ServiceInfo]:
    """Ask what the service can do."""
    return Call("info", "GET", "/ai/info", answers.ServiceInfo)


def health() -> Call[answers.Health]:
    """Ask which parts of the service work."""
    return Call("health", "GET", "/health", answers.Health)


def models() -> Call[answers.Models]:
    """Ask for every version of every model, newest first."""
    return Call("models", "GET", "/ai/models", answers.Models)


def train(
    symbol: str,
    timeframe: answers.Timeframe | None = None,
    *,
    model_type: answers.ModelType | None = None,
    candles: Sequence[Candle] | None = None,
) -> Call[answers.TrainingQueued]:
    """Queue a training (admin); without candles the service takes those that it has."""
    body = {"symbol": symbol, "timeframe": timeframe, "model_type": model_type, "candles": candles}
    return Call("ai_train", "POST", "/ai/train", answers.TrainingQueued, body)


def job(job_id: str) -> Call[answers.Job]:
    """Ask how far a job is (admin)."""
    return Call("job", "GET", "/jobs/{job_id}", answers.Job, parameters={"job_id": job_id})


def cancel_job(job_id: str) -> Call[answers.Job]:
    """End a job (admin)."""
    return Call("cancel_job", "DELETE", "/jobs/{job_id}", answers.Job, parameters={"job_id": job_id})


def clear_cache() -> Call[answers.CacheCleared]:
    """Forget the cached analyses (admin)."""
    return Call("storage_clear", "POST", "/ai/storage/clear", answers.CacheCleared, {})


def _market(symbol: str, candles: Candles | None, price: float | None, volume_24h: float) -> dict[str, Any]:
    frames = candles or {}
    newest = max(
        (frame[-1] for frame in frames.values() if frame), key=lambda candle: candle["timestamp"], default=None
    )
    known = price if price is not None else newest["close"] if newest else 0
    return {
        "symbol": symbol,
        "timeframe_data": frames,
        "current_price": known,
        "volume_24h": volume_24h,
        "timestamp": time.time_ns() // 1_000_000,
    }
