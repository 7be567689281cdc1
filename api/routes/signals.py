"""Signals for many symbols, over HTTP."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.bodies.json_body import LARGE_BODY_BYTES, read_body
from api.bodies.signals_body import read_signals_query
from api.dependencies import get_container
from api.guard.access import identify
from api.guard.rate_limit import limit_analyze
from api.openapi import json_body
from api.schemas.problems import problem_responses
from api.schemas.signals import SignalsResponse
from domain.values import epoch_ms

router = APIRouter(tags=["analysis"])


@router.post(
    "/ai/signals",
    operation_id="signals",
    summary="Symbols in, filtered signals out",
    responses=problem_responses(400, 413, 415, 422, 429, 503),
    openapi_extra=json_body("SignalsRequest"),
)
@limit_analyze
async def signals(request: Request) -> SignalsResponse:
    """Judge up to 50 symbols in one batch.

    What passes the filters of the section `signals` goes out; `withheld` says of every other symbol why it
    does not. A symbol is judged anew after five minutes; equal features give the earlier signal again, `cached`.
    """
    container = get_container(request)
    settings = container.settings
    body = await read_body(request, settings.access.max_body_bytes)
    trusted = identify(request, settings.access).trusted
    read = (body, settings.analysis, epoch_ms(container.clock.now()))
    if len(body) > LARGE_BODY_BYTES:
        query = await run_in_threadpool(read_signals_query, *read, trusted=trusted)
    else:
        query = read_signals_query(*read, trusted=trusted)
    return SignalsResponse.of(await container.signals.signals(query))
