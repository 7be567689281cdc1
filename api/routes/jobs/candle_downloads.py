"""Downloads of candles into the store, as jobs."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends

from api.dependencies import Admin, DefaultLimit, JobKey, JsonBody
from api.parts import ClockPart, JobsPart, SettingsPart
from api.schemas.jobs.candle_downloads import DownloadCandlesRequest
from api.schemas.jobs.job_requests import JobQueued
from api.schemas.problems import problem_responses
from domain.job_kinds import JobKind
from services.candle_downloads.parameters import DownloadParameters

router = APIRouter(tags=["jobs"], dependencies=[DefaultLimit, Admin])


@router.post(
    "/jobs/download_candles",
    operation_id="job_download_candles",
    summary="Download candles into the store (admin)",
    status_code=HTTPStatus.ACCEPTED,
    responses=problem_responses(503),
)
async def download_candles(
    body: Annotated[DownloadCandlesRequest, Depends(JsonBody(DownloadCandlesRequest))],
    jobs: JobsPart,
    settings: SettingsPart,
    clock: ClockPart,
    key: JobKey = None,
) -> JobQueued:
    """Queue a job that reads what the store lacks of the past of markets, page by page, and keeps it in the store."""
    wanted = body.distinct_symbols, body.timeframe, body.since, body.until, body.source
    parameters = await asyncio.to_thread(DownloadParameters.of, *wanted, settings, clock)
    return JobQueued.of(await jobs.submit(JobKind.DOWNLOAD_CANDLES, parameters.model_dump(mode="json"), key))
