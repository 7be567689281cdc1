"""The time machine over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from api.bodies.replay_body import read_replay
from api.dependencies import AnalyzeLimit, QueryBody
from api.parts import ReplaysPart
from api.schemas.problems import problem_responses
from api.schemas.record.replays import ReplayRequest, ReplayResponse
from services.ledger.replays.replays import ReplayQuery

router = APIRouter(tags=["ledger"])


@router.post(
    "/ai/replay",
    operation_id="replay",
    summary="What would have been said at a moment of the past",
    responses=problem_responses(400, 404, 503),
    dependencies=[AnalyzeLimit],
)
async def replay(
    query: Annotated[ReplayQuery, Depends(QueryBody(ReplayRequest, read_replay))], replays: ReplaysPart
) -> ReplayResponse:
    """Answer from the candles known then, by the model in production then, beside what the ledger has of it.

    Without candles the stored ones are read, else the history of the sources. The LLM is not asked: `recorded` has
    what it said then, if it was asked then. Nothing of a replay is kept, broadcast or scored.
    """
    return ReplayResponse.of(await replays.replay(query))
