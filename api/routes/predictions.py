"""What a model says, over HTTP: forecasts of given or fetched candles, and the trend of a symbol."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.bodies.analyze_body import PREDICT, read_query
from api.bodies.json_body import LARGE_BODY_BYTES, read_body, read_model
from api.dependencies import get_container
from api.guard.access import identify
from api.guard.rate_limit import limit_analyze
from api.openapi import json_body
from api.schemas.predictions import PercentPredictResponse, PredictResponse, TrendRequest, TrendResponse
from api.schemas.problems import problem_responses
from domain.market import Timeframe
from domain.values import epoch_ms
from services.forecast_requests import RequestedForecast

router = APIRouter(tags=["predictions"])


@router.post(
    "/ai/predict",
    operation_id="predict",
    summary="Candles in, a model's forecast out",
    responses=problem_responses(400, 413, 415, 422, 429, 503),
    openapi_extra=json_body("PredictRequest"),
)
@limit_analyze
async def predict(request: Request) -> PredictResponse:
    """Ask the model in production for the probability that the price rises.

    Of the timeframes sent, the first of `analysis.primary_timeframes` that has a model is forecast; with an
    empty `timeframe_data` the service fetches the candles itself. Candles that are too few for the model are
    completed by stored ones. 503 while no model is in production.
    """
    return PredictResponse.of(await _predicted(request))


@router.post(
    "/api/v1/predict",
    operation_id="predict_in_percent",
    summary="The same forecast, signal in lower case and confidence from 0 to 100",
    responses=problem_responses(400, 413, 415, 422, 429, 503),
    openapi_extra=json_body("PredictRequest"),
)
@limit_analyze
async def predict_in_percent(request: Request) -> PercentPredictResponse:
    """Ask the model in production, as `/ai/predict` does."""
    return PercentPredictResponse.of(await _predicted(request))


@router.post(
    "/predict-trend",
    operation_id="predict_trend",
    summary="The direction of a symbol, within two seconds",
    responses=problem_responses(413, 415, 422, 429, 503),
    openapi_extra=json_body("TrendRequest"),
)
@limit_analyze
async def predict_trend(request: Request) -> TrendResponse:
    """Fetch candles and say which way they go: by the model in production, or else by the rules.

    `model` names the version that answered, or `technical-rules`.
    """
    container = get_container(request)
    body = await read_model(request, TrendRequest, container.settings.access.max_body_bytes)
    trend = await container.forecast_requests.trend(body.symbol, body.timeframe or Timeframe.H4)
    return TrendResponse.of(trend)


async def _predicted(request: Request) -> RequestedForecast:
    container = get_container(request)
    settings = container.settings
    body = await read_body(request, settings.access.max_body_bytes)
    trusted = identify(request, settings.access).trusted
    read = (body, settings.analysis, epoch_ms(container.clock.now()))
    if len(body) > LARGE_BODY_BYTES:
        query, _ = await run_in_threadpool(read_query, *read, trusted=trusted, form=PREDICT)
    else:
        query, _ = read_query(*read, trusted=trusted, form=PREDICT)
    return await container.forecast_requests.forecast(query)
