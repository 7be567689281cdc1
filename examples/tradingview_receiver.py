"""Receives TradingView's alerts and says whether the service's signal agrees.

    ALERT_SECRET=... .venv/bin/python examples/tradingview_receiver.py

TradingView posts the text of an alert as the body; this one is understood (the placeholders are TradingView's):

    {"secret": "...", "ticker": "{{ticker}}", "action": "{{strategy.order.action}}"}

The environment has ALERT_SECRET (16 characters or more), SIGNALS_URL, SIGNALS_TOKEN, and FORWARD_URL, where each
verdict is posted as JSON. TradingView waits for 3 s: a verdict that takes longer is answered 202, then logged and
forwarded.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import json
import logging
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import httpx2
import uvicorn
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "clients" / "python"))

from trading_signal_client import AsyncClient, Problem, answers, calls, decide

log = logging.getLogger("alerts")
MIN_SECRET = 16
MAX_BODY_BYTES = 16_384
MAX_WAITING = 20
ANSWER_SECONDS = 2.0
FORWARD_SECONDS = 10.0
SIDES: dict[str, Literal["Long", "Short"]] = {"buy": "Long", "long": "Long", "sell": "Short", "short": "Short"}


class Alert(BaseModel):
    """The body of an alert; other keys are ignored."""

    model_config = ConfigDict(extra="ignore")

    secret: SecretStr
    ticker: str = Field(min_length=1, max_length=40)
    action: Literal["buy", "long", "sell", "short"]


def symbol_of(ticker: str) -> str:
    """Return the service's name of a ticker: without the exchange before it, and the mark of a perpetual behind it."""
    return ticker.rpartition(":")[2].upper().removesuffix(".P")


def verdict(alert: Alert, analysis: answers.Analysis, now_ms: int) -> dict[str, Any]:
    """Compare an alert with the service's answer: `agrees`, `disagrees`, or `no view` with the reason."""
    decision = decide(analysis, now_ms=now_ms)
    side = SIDES[alert.action]
    view = "no view" if decision.side is None else "agrees" if decision.side == side else "disagrees"
    return {
        "verdict": view,
        "alert": side,
        "symbol": analysis.symbol,
        "timeframe": analysis.timeframe,
        "signal": analysis.signal,
        "confidence": analysis.confidence,
        "reason": decision.reason,
        "stop": decision.stop,
        "target": decision.target,
        "source_data": analysis.source_data,
        "analysis_id": analysis.analysis_id,
    }


class Refused(Exception):
    """An alert is refused with a status, for a reason that its sender may know."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Receiver:
    """Takes alerts, asks the service, and passes the verdicts on."""

    def __init__(self, secret: str, client: AsyncClient, forward_url: str | None) -> None:
        """Keep what alerts are answered with.

        Raises:
            ValueError: the secret is shorter than 16 characters.
        """
        if len(secret) < MIN_SECRET:
            raise ValueError(f"ALERT_SECRET needs {MIN_SECRET} characters or more")
        self._secret, self._client, self._forward_url = secret.encode(), client, forward_url
        self._waiting: set[asyncio.Task[dict[str, Any]]] = set()

    async def receive(self, request: Request) -> JSONResponse:
        """Answer an alert with its verdict, or with 202 where that takes longer than TradingView waits."""
        try:
            alert = self._checked(await _body(request))
            if len(self._waiting) >= MAX_WAITING:
                raise Refused(503, f"{MAX_WAITING} alerts wait for the service already")
            task = asyncio.create_task(self._ask(alert))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)
            done, _ = await asyncio.wait([task], timeout=ANSWER_SECONDS)
        except Refused as refusal:
            log.warning("alert refused: %s", refusal)
            return JSONResponse({"detail": str(refusal)}, refusal.status)
        if not done:
            return JSONResponse({"verdict": "pending", "symbol": symbol_of(alert.ticker)}, 202)
        answer = task.result()
        return JSONResponse(answer, 502 if answer["verdict"] == "unknown" else 200)

    async def close(self) -> None:
        """Wait for the verdicts that were promised."""
        if self._waiting:
            await asyncio.wait(self._waiting)

    def _checked(self, body: bytes) -> Alert:
        try:
            values = json.loads(body)
        except ValueError as error:
            raise Refused(400, "the text of the alert is no JSON") from error
        given = values.get("secret") if isinstance(values, dict) else None
        if not isinstance(given, str) or not hmac.compare_digest(given.encode(), self._secret):
            raise Refused(401, "the alert has not the secret of ALERT_SECRET")
        try:
            return Alert.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            raise Refused(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error

    async def _ask(self, alert: Alert) -> dict[str, Any]:
        symbol = symbol_of(alert.ticker)
        try:
            analysis = await self._client.send(calls.analyze(symbol))
            found = verdict(alert, analysis, time.time_ns() // 1_000_000)
        except Problem as problem:
            found = {"verdict": "unknown", "symbol": symbol, "reason": f"the service refused: {problem.detail}"}
        except httpx2.TransportError as error:
            found = {"verdict": "unknown", "symbol": symbol, "reason": f"the service cannot be reached: {error}"}
        log.info("%s", json.dumps(found))
        if self._forward_url:
            await self._forward(self._forward_url, found)
        return found

    async def _forward(self, url: str, found: dict[str, Any]) -> None:
        try:
            async with httpx2.AsyncClient(timeout=FORWARD_SECONDS) as client:
                (await client.post(url, json=found)).raise_for_status()
        except httpx2.HTTPError as error:
            log.error("the verdict was not forwarded: %s", error)


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise Refused(413, f"an alert has at most {MAX_BODY_BYTES} bytes")
    return body


def create_app(secret: str, url: str, token: str | None = None, forward_url: str | None = None) -> Starlette:
    """Return the app that takes alerts at `POST /alerts`; `GET /livez` says that it runs."""
    client = AsyncClient(url, token=token)
    receiver = Receiver(secret, client, forward_url)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with client:
            yield
            await receiver.close()

    async def live(_: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    routes = [Route("/alerts", receiver.receive, methods=["POST"]), Route("/livez", live)]
    return Starlette(routes=routes, lifespan=lifespan)


def main() -> None:
    """Serve until it is stopped."""
    parser = argparse.ArgumentParser(description="Say whether the service's signal agrees with TradingView's alerts.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    environment = os.environ.get
    app = create_app(
        environment("ALERT_SECRET", ""),
        environment("SIGNALS_URL", "http://127.0.0.1:8000"),
        environment("SIGNALS_TOKEN"),
        environment("FORWARD_URL"),
    )
    uvicorn.run(app, host=arguments.host, port=arguments.port, limit_concurrency=100, timeout_keep_alive=5)


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(str(error))
