"""A closed trade as clients post it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from api.schemas.requests import CandlePrice, RequestModel, Text
from api.schemas.responses import ResponseModel
from domain.naming.symbols import SymbolName

LARGEST = 1e15
MAX_REASONING = 5_000
Amount = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Moment = Text | int


def _side(value: str) -> str:
    if value.lower() not in ("long", "short", "buy", "sell"):
        raise ValueError("needs long, short, buy or sell")
    return value


class TradeRequest(RequestModel):
    """A trade that has been closed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "trade_id": "pt-20260101-17",
                    "symbol": "ETHUSDT",
                    "side": "Long",
                    "entry_price": 3050.2,
                    "exit_price": 3004.9,
                    "quantity": 0.8,
                    "leverage": 5,
                    "pnl_usdt": -36.24,
                    "pnl_percentage": -7.43,
                    "duration_seconds": 5400,
                    "close_reason": "StopLoss",
                    "strategy_name": "MACD Strategy",
                    "ai_confidence": 0.66,
                }
            ]
        }
    )

    trade_id: Annotated[str, Field(min_length=1, max_length=100)]
    symbol: SymbolName
    side: Annotated[str, AfterValidator(_side), Field(json_schema_extra={"pattern": r"^(?i:long|short|buy|sell)$"})]
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
