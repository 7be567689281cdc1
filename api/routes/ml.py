"""Forecasts by ticker: the same models, markets and jobs for the clients that speak `/api/v1/ml`."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.bodies.json_body import read_model
from api.dependencies import get_container
from api.guard.access import require_admin
from api.guard.rate_limit import limit_analyze, limit_default
from api.openapi import admin_route, json_body
from api.routes.training import queue
from api.schemas.ml import (
    Disclaimer,
    MlCacheCleared,
    MlCacheStats,
    MlComprehensiveResponse,
    MlModels,
    MlPriceRequest,
    MlPriceResponse,
    MlRequest,
    MlSignalResponse,
    MlTrainingQueued,
    MlTrainRequest,
    SignalForecast,
    answer_of,
    price_of,
)
from api.schemas.models import summary_of
from api.schemas.problems import problem_responses
from services.training.service import TrainingAsked

MAX_BODY_BYTES = 4_096

router = APIRouter(prefix="/api/v1/ml", tags=["predictions"])


@router.post(
    "/predict/price",
    operation_id="ml_predict_price",
    summary="Prices 1 to 30 candles ahead, with intervals",
    responses=problem_responses(400, 413, 415, 422, 429, 503),
    openapi_extra=json_body("MlPriceRequest"),
)
@limit_analyze
async def predict_price(request: Request) -> MlPriceResponse:
    """Tell where the price may be after each step; without a model the expected price is the last close."""
    asked = await read_model(request, MlPriceRequest, MAX_BODY_BYTES)
    outlook = await get_container(request).outlooks.outlook(asked.ticker, asked.timeframe)
    return MlPriceResponse(**dict(answer_of(outlook)), **dict(price_of(outlook, asked)))


@router.post(
    "/predict/signal",
    operation_id="ml_predict_signal",
    summary="Buy, hold or sell, with probabilities",
    responses=problem_responses(400, 413, 415, 422, 429, 503),
    openapi_extra=json_body("MlRequest"),
)
@limit_analyze
async def predict_signal(request: Request) -> MlSignalResponse:
    """Ask the model in production; 503 while there is none."""
    asked = await read_model(request, MlRequest, MAX_BODY_BYTES)
    outlook = await get_container(request).outlooks.outlook(asked.ticker, asked.timeframe)
    return MlSignalResponse(**dict(answer_of(outlook)), **dict(SignalForecast.of(outlook)))


@router.post(
    "/predict/comprehensive",
    operation_id="ml_predict_comprehensive",
    summary="Price and signal of the same candles",
    responses=problem_responses(400, 413, 415, 422, 429, 503),
    openapi_extra=json_body("MlPriceRequest"),
)
@limit_analyze
async def predict_comprehensive(request: Request) -> MlComprehensiveResponse:
    """Tell the price as `/predict/price` and the signal as `/predict/signal`; the signal is null without a model."""
    asked = await read_model(request, MlPriceRequest, MAX_BODY_BYTES)
    outlook = await get_container(request).outlooks.outlook(asked.ticker, asked.timeframe)
    return MlComprehensiveResponse(
        **dict(answer_of(outlook)),
        price=price_of(outlook, asked),
        signal=SignalForecast.of(outlook) if outlook.forecast else None,
    )


@router.post(
    "/train",
    operation_id="ml_train",
    summary="Train a model of a ticker (admin)",
    status_code=HTTPStatus.ACCEPTED,
    tags=["models"],
    responses=problem_responses(400, 401, 403, 413, 415, 422, 429, 503),
    openapi_extra=admin_route("MlTrainRequest"),
)
@limit_default
async def train(request: Request) -> MlTrainingQueued:
    """Queue a training as `/ai/train` does, of candles that are stored or that a source has."""
    require_admin(request, get_container(request).settings.access)
    asked = await read_model(request, MlTrainRequest, MAX_BODY_BYTES)
    queued = await queue(request, TrainingAsked(asked.ticker, asked.timeframe, asked.model_type, asked.epochs))
    return MlTrainingQueued(**dict(queued))


@router.get(
    "/models", operation_id="ml_models", summary="Every version", tags=["models"], responses=problem_responses(409, 429)
)
@limit_default
async def models(request: Request) -> MlModels:
    """Return every version with its figures, newest first."""
    known = await run_in_threadpool(get_container(request).models.known)
    return MlModels(models=[summary_of(each) for each in known.models])


@router.get("/cache/stats", operation_id="ml_cache_stats", summary="Cached markets", responses=problem_responses(429))
@limit_default
async def cache_stats(request: Request) -> MlCacheStats:
    """Count the markets that forecasts share, and how often that spared a fetch since the start."""
    statistics = get_container(request).outlooks.markets.statistics()
    counts = asdict(statistics)
    return MlCacheStats(cached_markets=counts.pop("markets"), **counts, hit_rate=statistics.hit_rate)


@router.delete(
    "/cache/{ticker}",
    operation_id="ml_cache_clear",
    summary="Forget a ticker's markets (admin)",
    responses=problem_responses(401, 403, 422, 429),
    openapi_extra=admin_route(),
)
@limit_default
async def cache_clear(request: Request, ticker: str) -> MlCacheCleared:
    """Let the next forecast of a ticker fetch its candles again."""
    container = get_container(request)
    require_admin(request, container.settings.access)
    forgotten = container.outlooks.markets.forget(ticker)
    return MlCacheCleared(message=f"{forgotten} markets of {ticker} forgotten", ticker=ticker, invalidated=forgotten)


@router.get(
    "/disclaimer",
    operation_id="ml_disclaimer",
    summary="What holds for every forecast",
    responses=problem_responses(429),
)
@limit_default
async def disclaimer(request: Request) -> Disclaimer:
    """Return the disclaimer that every forecast carries."""
    return Disclaimer()
