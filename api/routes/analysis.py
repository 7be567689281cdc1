"""The main job over HTTP."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access import identify
from api.analyze_body import ParsedRequest, is_engine_call, parse_body, read_body, to_query
from api.dependencies import get_container
from api.rate_limit import limit_analyze
from api.routes.raw import RawRoute
from api.schemas.problems import problem_responses
from api.schemas.responses import AnalyzeResponse, EngineAnalyzeResponse, render_analysis
from container import Container
from domain.analysis import AnalysisQuery
from utils.clock import epoch_ms

router = APIRouter(prefix="/ai", tags=["analysis"], route_class=RawRoute)

# A body this large takes milliseconds to read: it goes to a thread, small ones are read at once.
LARGE_BODY_BYTES = 200_000


@router.post(
    "/analyze",
    operation_id="analyze",
    summary="Candles in, signal out",
    response_model=None,
    responses={
        200: {"model": AnalyzeResponse | EngineAnalyzeResponse, "description": "The signal and what it rests on."},
        **problem_responses(400, 413, 415, 422, 429, 503),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/AnalyzeRequest"}}},
        }
    },
)
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
        parsed, query = await run_in_threadpool(_read, body, container, trusted)
    else:
        parsed, query = _read(body, container, trusted)
    answer = await container.analysis.analyze(query)
    content = render_analysis(answer.analysis, cached=answer.cached, engine=is_engine_call(parsed))
    return Response(content, media_type="application/json")


def _read(body: bytes, container: Container, trusted: bool) -> tuple[ParsedRequest, AnalysisQuery]:
    parsed = parse_body(body)
    return parsed, to_query(parsed, container.settings.analysis, epoch_ms(container.clock.now()), trusted=trusted)
