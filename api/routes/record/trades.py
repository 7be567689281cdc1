"""Closed trades, to be learned from."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from api.dependencies import AnalyzeLimit, JsonBody, Trusted
from api.parts import TradesPart
from api.schemas.problems import problem_responses
from api.schemas.record.trades import TradeAccepted, TradeRequest
from domain.trading.trades import ClosedTrade

router = APIRouter(tags=["analysis"])


@router.post(
    "/ai/analyze-trade",
    operation_id="analyze_trade",
    summary="Review a closed trade in the background",
    responses=problem_responses(503),
    dependencies=[AnalyzeLimit],
)
async def analyze_trade(
    trade: Annotated[TradeRequest, Depends(JsonBody(TradeRequest))], trusted: Trusted, trades: TradesPart
) -> TradeAccepted:
    """Store a closed trade and answer at once; it is reviewed once per `trade_id`, by the LLM where it answers.

    A stranger's trade is reviewed by its figures alone.
    """
    new = await trades.accept(ClosedTrade(**trade.model_dump(), trusted=trusted))
    message = "the trade is reviewed in the background" if new else "the trade was accepted before"
    return TradeAccepted(status="accepted", trade_id=trade.trade_id, message=message)
