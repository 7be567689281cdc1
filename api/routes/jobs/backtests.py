"""Backtests, and searches for better settings, as jobs."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends

from api.dependencies import Admin, DefaultLimit, JobKey, JsonBody
from api.parts import BacktestsPart, OptimisingPart
from api.schemas.jobs.backtests import BacktestQueued, BacktestRequest, OptimiseQueued, OptimiseRequest
from api.schemas.problems import problem_responses

router = APIRouter(prefix="/jobs", tags=["jobs"], dependencies=[DefaultLimit, Admin])


@router.post(
    "/backtest",
    operation_id="backtest",
    summary="Backtest the signals (admin)",
    status_code=HTTPStatus.ACCEPTED,
    responses=problem_responses(400, 404, 503),
)
async def backtest(
    body: Annotated[BacktestRequest, Depends(JsonBody(BacktestRequest))], backtests: BacktestsPart, key: JobKey = None
) -> BacktestQueued:
    """Check the candles and queue a backtest, whose result is that of the job; every run counts as a trial."""
    request = body.job_request()
    job = await backtests.submit(request, key)
    symbols = list(request.symbols)
    return BacktestQueued(
        message=f"backtest of {body.lane} on {', '.join(symbols)} is queued as a job",
        job_id=job.job_id,
        status=job.status,
        symbols=symbols,
        lane=body.lane,
    )


@router.post(
    "/optimise",
    operation_id="optimise",
    summary="Search for better settings of trades (admin)",
    status_code=HTTPStatus.ACCEPTED,
    responses=problem_responses(400, 404, 503),
)
async def optimise(
    body: Annotated[OptimiseRequest, Depends(JsonBody(OptimiseRequest))],
    optimising: OptimisingPart,
    key: JobKey = None,
) -> OptimiseQueued:
    """Check the candles and queue a search, judged by walk-forward; each of its trials is recorded."""
    request = body.job_request()
    job = await optimising.submit(request, key)
    symbols = list(request.symbols)
    return OptimiseQueued(
        message=f"search of settings of {body.lane} on {', '.join(symbols)} is queued as a job",
        job_id=job.job_id,
        status=job.status,
        symbols=symbols,
        lane=body.lane,
        trials=body.trials,
        folds=body.folds,
    )
