"""The main job over HTTP."""

from __future__ import annotations

from fastapi import Depends
from starlette.requests import Request

from api.bodies.queries import read_analysis
from api.dependencies import QueryBody, analyze_limit, get_container, query_of
from api.routes.raw import RawRoute
from api.schemas.problems import problem_responses
from api.schemas.requests import AnalyzeRequest
from api.schemas.responses import AnalyzeResponse, EngineAnalyzeResponse, render_analysis


async def analyze(request: Request) -> bytes:
    """Analyze the candles of one market and answer Long, Short or Neutral.

    With an empty `timeframe_data` the service fetches the candles itself. A call with one
    timeframe, `active_strategies` and no `selected_strategies` is the engine's own loop: it
    is answered in BUY, SELL and HOLD. An answer younger than the analysis interval serves
    equal requests again, marked `[RECENT]`.
    """
    container = get_container(request)
    await analyze_limit.count(request, container.base.settings)
    query, engine = await query_of(request, container, read_analysis)
    answer = await container.answers.analysis.analyze(query)
    return render_analysis(answer.analysis, cached=answer.cached, engine=engine)


route = RawRoute(
    "/ai/analyze",
    analyze,
    methods=["POST"],
    operation_id="analyze",
    summary="Candles in, signal out",
    tags=["analysis"],
    responses={
        200: {"model": AnalyzeResponse | EngineAnalyzeResponse, "description": "The signal and what it rests on."},
        **problem_responses(400, 404, 503),
    },
    dependencies=[Depends(analyze_limit), Depends(QueryBody(AnalyzeRequest, read_analysis))],
)
