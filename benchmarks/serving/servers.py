"""Servers to compare with: the same endpoint without the analysis, run by `uvicorn --factory`."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from fastapi import FastAPI
from pydantic import BaseModel, Field
from starlette.types import ASGIApp, Receive, Scope, Send

from api.schemas.responses import AnalyzeResponse
from domain.trading.gates import GateName

ANSWER: dict[str, Any] = {
    "signal": "Neutral",
    "confidence": 0.5,
    "reasoning": "x" * 600,
    "strategy_scores": {f"strategy {number}": 0.5 for number in range(3)},
    "market_analysis": {
        "trend_direction": "Sideways",
        "trend_strength": 0.1,
        "support_levels": [3.0, 2.0, 1.0],
        "resistance_levels": [4.0, 5.0, 6.0],
        "volatility_level": "Medium",
        "volume_analysis": "x" * 60,
    },
    "risk_assessment": {
        "overall_risk": "Medium",
        "technical_risk": 0.5,
        "market_risk": 0.5,
        "recommended_position_size": 0.0,
        "stop_loss_suggestion": None,
        "take_profit_suggestion": None,
    },
    "timestamp": 1_700_000_000_000,
    "source": "technical",
    "model_type": "constant",
    "source_data": "client",
    "symbol": "ETHUSDT",
    "timeframe": "1h",
    "price": 3.2,
    "analysis_id": "constant",
    "generated_at": 1_700_000_000_000,
    "cached": True,
    "forecast": None,
    "forecast_note": None,
    "cost_usd": None,
    "groundedness": None,
    "fallback_reason": None,
    "lanes": {
        "rules": {"side": "Neutral", "probability": None, "confidence": 0.5},
        "model": None,
        "llm": None,
    },
    "evidence": {
        "target_first": 0.35,
        "break_even": 0.3333,
        "expected_r": -0.02,
        "gross_bps": 10.0,
        "cost_bps": 12.0,
        "net_bps": -2.0,
        "plans": 2_780,
        "low": -0.1,
        "high": 0.1,
        "built_from": "x" * 32,
        "verdict": "weak",
    },
    "data_age_seconds": 12,
    "as_of": None,
    "gates": [{"name": name, "passed": True, "value": 0.5, "needed": 0.5} for name in GateName],
    "abstention": "no edge",
}


class PlainCandle(BaseModel):
    timestamp: int
    open: float = Field(gt=0)
    high: float = Field(gt=0)
    low: float = Field(gt=0)
    close: float = Field(gt=0)
    volume: float = Field(ge=0)


class PlainBody(BaseModel):
    symbol: str
    timeframe_data: dict[str, list[PlainCandle]]
    current_price: float
    volume_24h: float
    timestamp: int
    strategy_context: dict[str, Any]


def plain_fastapi() -> FastAPI:
    """Return the endpoint as FastAPI's tutorial writes it: a body parameter, our answer's model, nothing else."""
    app = FastAPI()

    @app.post("/ai/analyze")
    async def analyze(body: PlainBody) -> AnalyzeResponse:
        return AnalyzeResponse(**{**ANSWER, "symbol": body.symbol})

    @app.get("/readyz")
    async def readyz() -> dict[str, str]:
        return {"status": "ready"}

    return app


class _BareCandle(msgspec.Struct, gc=False):
    timestamp: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class _Body(msgspec.Struct):
    symbol: str
    timeframe_data: dict[str, list[_BareCandle]]


def bare_asgi() -> ASGIApp:
    """Return the minimum: an ASGI app that parses the candles with msgspec and sends a fixed answer."""
    decoder, answer = msgspec.json.Decoder(_Body), json.dumps(ANSWER).encode()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] == "POST":
            body, more = b"", True
            while more:
                message = await receive()
                body, more = body + message.get("body", b""), message.get("more_body", False)
            decoder.decode(body)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    return app
