"""Closed trades, to be learned from."""

from __future__ import annotations

from fastapi import APIRouter, Request

from api.bodies.json_body import read_model
from api.dependencies import get_container
from api.guard.access import identify
from api.guard.rate_limit import limit_analyze
from api.openapi import json_body
from api.schemas.problems import problem_responses
from api.schemas.trades import TradeAccepted, TradeRequest
from domain.trades import ClosedTrade

router = APIRouter(tags=["analysis"])


@router.post(
    "/ai/analyze-trade",
    operation_id="analyze_trade",
    summary="Review a closed trade in the background",
    responses=problem_responses(413, 415, 422, 429, 503),
    openapi_extra=json_body("TradeRequest"),
)
@limit_analyze
async def analyze_trade(request: Request) -> TradeAccepted:
    """Store a closed trade and answer at once; it is reviewed once per `trade_id`, by the LLM where it answers.

    A stranger's trade is reviewed by its figures alone.
    """
    container = get_container(request)
    access = container.settings.access
    body = await read_model(request, TradeRequest, access.max_body_bytes)
    new = await container.trades.accept(ClosedTrade(**body.model_dump(), trusted=identify(request, access).trusted))
    message = "the trade is reviewed in the background" if new else "the trade was accepted before"
    return TradeAccepted(status="accepted", trade_id=body.trade_id, message=message)
