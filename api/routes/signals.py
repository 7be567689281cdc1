"""Signals for many symbols, over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from api.bodies.queries import read_signals
from api.dependencies import AnalyzeLimit, QueryBody
from api.parts import SignalsPart
from api.schemas.problems import problem_responses
from api.schemas.signals import SignalsRequest, SignalsResponse
from services.signals.stream import SignalsQuery

router = APIRouter(tags=["analysis"])


@router.post(
    "/ai/signals",
    operation_id="signals",
    summary="Symbols in, filtered signals out",
    responses=problem_responses(400, 404, 503),
    dependencies=[AnalyzeLimit],
)
async def signals(
    query: Annotated[SignalsQuery, Depends(QueryBody(SignalsRequest, read_signals))], stream: SignalsPart
) -> SignalsResponse:
    """Judge up to 50 symbols in one batch.

    What passes the filters of the section `signals` goes out; `withheld` says of every other symbol why it
    does not. A symbol is judged anew after five minutes; equal features give the earlier signal again, `cached`.
    """
    return SignalsResponse.of(await stream.signals(query))
