"""Forecasts by ticker: the same models, markets and jobs for the clients that speak `/api/v1/ml`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool

from api.dependencies import (
    Admin,
    AnalyzeLimit,
    DefaultLimit,
    JsonBody,
    Trusted,
)
from api.parts import ModelsPart, OutlooksPart, ShadowingPart, TrainingPart
from api.schemas.models.ml import (
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
    PriceForecast,
    SignalForecast,
    answer_of,
    price_of,
)
from api.schemas.models.models import FurtherModels, summary_of
from api.schemas.problems import problem_responses
from domain.naming.symbols import SymbolName
from services.outlooks import Outlook, Outlooks
from services.training.service import TrainingJobRequest

MAX_BODY_BYTES = 4_096
PriceBody = Annotated[MlPriceRequest, Depends(JsonBody(MlPriceRequest, MAX_BODY_BYTES))]

router = APIRouter(prefix="/api/v1/ml", tags=["predictions"])


@router.post(
    "/predict/price",
    operation_id="ml_predict_price",
    summary="Prices 1 to 30 candles ahead, with intervals",
    responses=problem_responses(400, 404, 503),
    dependencies=[AnalyzeLimit],
)
async def predict_price(body: PriceBody, outlooks: OutlooksPart, trusted: Trusted) -> MlPriceResponse:
    """Forecast the price after each step, with an interval; without a model the expected price is the last close."""
    outlook = await outlooks.outlook(body.ticker, body.timeframe, tells_side=False, trusted=trusted)
    price = await _price(outlooks, outlook, body, trusted=trusted)
    return MlPriceResponse(**dict(answer_of(outlook)), **dict(price))


@router.post(
    "/predict/signal",
    operation_id="ml_predict_signal",
    summary="Buy, hold or sell, with probabilities",
    responses=problem_responses(400, 404, 503),
    dependencies=[AnalyzeLimit],
)
async def predict_signal(
    body: Annotated[MlRequest, Depends(JsonBody(MlRequest, MAX_BODY_BYTES))], outlooks: OutlooksPart, trusted: Trusted
) -> MlSignalResponse:
    """Ask the model in production; 503 while there is none."""
    outlook = await outlooks.outlook(body.ticker, body.timeframe, tells_side=True, trusted=trusted)
    return MlSignalResponse(**dict(answer_of(outlook)), **dict(SignalForecast.of(outlook)))


@router.post(
    "/predict/comprehensive",
    operation_id="ml_predict_comprehensive",
    summary="Price and signal of the same candles",
    responses=problem_responses(400, 404, 503),
    dependencies=[AnalyzeLimit],
)
async def predict_comprehensive(body: PriceBody, outlooks: OutlooksPart, trusted: Trusted) -> MlComprehensiveResponse:
    """Forecast the price as `/predict/price` and the signal as `/predict/signal`, which is null without a model."""
    outlook = await outlooks.outlook(body.ticker, body.timeframe, tells_side=True, trusted=trusted)
    return MlComprehensiveResponse(
        **dict(answer_of(outlook)),
        price=await _price(outlooks, outlook, body, trusted=trusted),
        signal=SignalForecast.of(outlook) if outlook.forecast else None,
    )


@router.post(
    "/train",
    operation_id="ml_train",
    summary="Train a model of a ticker (admin)",
    status_code=HTTPStatus.ACCEPTED,
    tags=["models"],
    responses=problem_responses(400, 404, 503),
    dependencies=[DefaultLimit, Admin],
)
async def train(
    body: Annotated[MlTrainRequest, Depends(JsonBody(MlTrainRequest, MAX_BODY_BYTES))], training: TrainingPart
) -> MlTrainingQueued:
    """Queue a training as `/ai/train` does, of candles that are stored or that a source has."""
    wanted = TrainingJobRequest(body.ticker, body.timeframe, body.model_type, body.epochs)
    return MlTrainingQueued.of(await training.submit(wanted))


@router.get(
    "/models",
    operation_id="ml_models",
    summary="Every version",
    tags=["models"],
    responses=problem_responses(409),
    dependencies=[DefaultLimit],
)
async def models(models: ModelsPart, shadowing: ShadowingPart) -> MlModels:
    """Return every version with its figures, newest first."""
    known, shadows = await run_in_threadpool(models.known), await shadowing.states()
    further = await run_in_threadpool(models.further)
    return MlModels(
        models=[summary_of(version, shadows) for version in known.models],
        further=[FurtherModels.of(key, others, shadows) for key, others in further.items()],
    )


@router.get("/cache/stats", operation_id="ml_cache_stats", summary="Cached markets", dependencies=[DefaultLimit])
async def cache_stats(outlooks: OutlooksPart) -> MlCacheStats:
    """Count the markets that forecasts share, and how often that spared a fetch since the start."""
    return MlCacheStats.of(outlooks.markets.statistics())


@router.delete(
    "/cache/{ticker}",
    operation_id="ml_cache_clear",
    summary="Forget a ticker's markets (admin)",
    dependencies=[DefaultLimit, Admin],
)
async def cache_clear(ticker: SymbolName, outlooks: OutlooksPart) -> MlCacheCleared:
    """Let the next forecast of a ticker fetch its candles again."""
    forgotten = outlooks.markets.forget(ticker)
    return MlCacheCleared(message=f"{forgotten} markets of {ticker} forgotten", ticker=ticker, invalidated=forgotten)


@router.get(
    "/disclaimer",
    operation_id="ml_disclaimer",
    summary="The disclaimer of every forecast",
    dependencies=[DefaultLimit],
)
async def disclaimer() -> Disclaimer:
    """Return the disclaimer that every forecast carries."""
    return Disclaimer()


async def _price(outlooks: Outlooks, outlook: Outlook, body: MlPriceRequest, *, trusted: bool) -> PriceForecast:
    """Return the prices of an outlook; past candles are gone through off the event loop."""
    prices = await run_in_threadpool(outlook.prices, body.steps, body.coverage)
    outlooks.record_bands(outlook, prices, body.coverage, trusted=trusted)
    return price_of(outlook, prices, body.coverage)
