"""A closed trade as clients post it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schemas.requests import CandlePrice, RequestModel, Text
from api.schemas.responses import ResponseModel

LARGEST = 1e15
MAX_REASONING = 5_000
Amount = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Moment = Text | int


class TradeRequest(RequestModel):
    """A trade that has been closed."""

    trade_id: Annotated[str, Field(min_length=1, max_length=100)]
    symbol: Annotated[str, Field(pattern=r"^[A-Z0-9]{3,20}$")]
    side: Annotated[str, Field(pattern=r"^(?i:long|short|buy|sell)$")]
    entry_price: CandlePrice
    exit_price: CandlePrice
    quantity: Annotated[float, Field(ge=0, le=LARGEST)]
    leverage: Annotated[float, Field(gt=0, le=1_000)]
    pnl_usdt: Amount
    pnl_percentage: Amount
    duration_seconds: Annotated[float, Field(ge=0, le=LARGEST)] | None = None
    close_reason: Text | None = None
    open_time: Moment | None = None
    close_time: Moment | None = None
    strategy_name: Text | None = None
    ai_confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    ai_reasoning: Annotated[str, Field(max_length=MAX_REASONING)] | None = None


class TradeAccepted(ResponseModel):
    """The trade is reviewed in the background; the review is kept in `trade_analyses`."""

    status: str
    trade_id: str
    message: str
