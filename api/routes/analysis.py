"""The main job over HTTP."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.bodies.analyze_body import read_query
from api.bodies.json_body import LARGE_BODY_BYTES, read_body
from api.dependencies import get_container
from api.guard.access import identify
from api.guard.rate_limit import limit_analyze
from api.openapi import json_body
from api.routes.raw import RawRoute
from api.schemas.problems import problem_responses
from api.schemas.responses import AnalyzeResponse, EngineAnalyzeResponse, render_analysis
from container import Container
from domain.analysis import AnalysisQuery
from domain.values import epoch_ms


@limit_analyze
async def analyze(request: Request) -> Response:
    """Analyze the candles of one market and answer Long, Short or Neutral.

    With an empty `timeframe_data` the service fetches the candles itself. A call with one
    timeframe, `active_strategies` and no `selected_strategies` is the engine's own loop: it
    is answered in BUY, SELL and HOLD. An answer younger than the analysis interval serves
    equal requests again, marked `[RECENT]`.
    """
    container = get_container(request)
    body = await read_body(request, container.settings.access.max_body_bytes)
    trusted = identify(request, container.settings.access).trusted
    if len(body) > LARGE_BODY_BYTES:
        query, engine = await run_in_threadpool(_read, body, container, trusted)
    else:
        query, engine = _read(body, container, trusted)
    answer = await container.analysis.analyze(query)
    content = render_analysis(answer.analysis, cached=answer.cached, engine=engine)
    return Response(content, media_type="application/json")


def _read(body: bytes, container: Container, trusted: bool) -> tuple[AnalysisQuery, bool]:
    settings = container.settings
    now_ms = epoch_ms(container.clock.now())
    return read_query(body, settings.analysis, now_ms, trusted=trusted, listening=settings.llm.enabled)


route = RawRoute(
    "/ai/analyze",
    analyze,
    methods=["POST"],
    operation_id="analyze",
    summary="Candles in, signal out",
    tags=["analysis"],
    responses={
        200: {"model": AnalyzeResponse | EngineAnalyzeResponse, "description": "The signal and what it rests on."},
        **problem_responses(400, 413, 415, 422, 429, 503),
    },
    openapi_extra=json_body("AnalyzeRequest"),
)
