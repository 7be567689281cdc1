"""Forecasts of given or fetched candles, and the trend of a symbol."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from api.bodies.queries import read_prediction
from api.dependencies import AnalyzeLimit, JsonBody, QueryBody, Trusted
from api.parts import ForecastRequestsPart, TrendsPart
from api.schemas.models.predictions import (
    PercentPredictResponse,
    PredictRequest,
    PredictResponse,
    TrendRequest,
    TrendResponse,
)
from api.schemas.problems import problem_responses
from domain.market import Timeframe
from domain.queries import AnalysisQuery

PredictionBody = Annotated[AnalysisQuery, Depends(QueryBody(PredictRequest, read_prediction))]

router = APIRouter(tags=["predictions"])


@router.post(
    "/ai/predict",
    operation_id="predict",
    summary="Candles in, a model's forecast out",
    responses=problem_responses(400, 404, 503),
    dependencies=[AnalyzeLimit],
)
async def predict(query: PredictionBody, forecasts: ForecastRequestsPart) -> PredictResponse:
    """Ask the model in production for the probability that the price rises.

    Of the timeframes sent, the first of `analysis.primary_timeframes` that has a model is forecast; with an
    empty `timeframe_data` the service fetches the candles itself. Candles that are too few for the model are
    completed by stored ones. 503 while no model is in production.
    """
    return PredictResponse.of(await forecasts.forecast(query))


@router.post(
    "/api/v1/predict",
    operation_id="predict_in_percent",
    summary="The same forecast, signal in lower case and confidence from 0 to 100",
    responses=problem_responses(400, 404, 503),
    dependencies=[AnalyzeLimit],
)
async def predict_in_percent(query: PredictionBody, forecasts: ForecastRequestsPart) -> PercentPredictResponse:
    """Ask the model in production, as `/ai/predict` does."""
    return PercentPredictResponse.of(await forecasts.forecast(query))


@router.post(
    "/predict-trend",
    operation_id="predict_trend",
    summary="The direction of a symbol, within two seconds",
    responses=problem_responses(404, 503),
    dependencies=[AnalyzeLimit],
)
async def predict_trend(
    body: Annotated[TrendRequest, Depends(JsonBody(TrendRequest))], trusted: Trusted, trends: TrendsPart
) -> TrendResponse:
    """Fetch candles and return their trend by the rules.

    `model` is `technical-rules`. A model in production that forecasts returns over several candles may lower the
    confidence; `model` then names its version too. The probability of the next candle does not count: it is no trend.
    """
    return TrendResponse.of(await trends.of(body.symbol, body.timeframe or Timeframe.H4, trusted=trusted))
