"""Signals for many symbols, over HTTP."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Depends

from api.bodies.queries import read_signals
from api.dependencies import AnalyzeLimit, DefaultLimit, MayListen, QueryBody
from api.parts import HubPart, SignalsPart
from api.routes.packed import PackedRoute
from api.schemas.analysis.signals import NewestSignals, SignalsRequest, SignalsResponse
from api.schemas.problems import problem_responses
from services.signals.stream import SignalsQuery

router = APIRouter(tags=["analysis"])
newest_router = APIRouter(tags=["analysis"], route_class=PackedRoute)


@newest_router.get(
    "/ai/signals",
    operation_id="newest_signals",
    summary="The newest signal of each symbol",
    dependencies=[DefaultLimit, MayListen],
)
async def newest_signals(hub: HubPart) -> NewestSignals:
    """List what the socket broadcast last of each symbol since this process started, for those who come later.

    An analysis that is given again from the cache keeps its own time. Each has the data of an `AISignalReceived`
    event; one older than half an hour counts no more.
    """
    return NewestSignals(signals=[json.loads(text)["data"] for text in hub.newest()])


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
