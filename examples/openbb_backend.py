"""A backend of OpenBB Workspace: serves widgets.json, and flat tables made of the service's answers.

    .venv/bin/python examples/openbb_backend.py

In Workspace add http://127.0.0.1:7779 as a data connector. Workspace wants tables without nested values, parameters
in the query alone and CORS for its own pages, which is why it does not ask the service itself.
SIGNALS_URL and SIGNALS_TOKEN name the service and a client's token; with OPENBB_KEY set, Workspace has to send it as
X-API-KEY.
"""

from __future__ import annotations

import argparse
import hmac
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "clients" / "python"))

from trading_signal_client import AsyncClient, Problem, answers, calls, decide

WIDGETS = Path(__file__).with_name("openbb_widgets.json")
# Workspace in the browser, and its desktop app.
ORIGINS = ("https://pro.openbb.co", "https://pro.openbb.dev", "http://localhost:1420")
VERDICTS = {
    "insufficient": "undecided: too few calls",
    "none": "undecided: as chance so far",
    "inverted": "worse than chance",
    "weak": "better than chance, costs not surely paid",
    "positive": "pays its costs",
}
Rows = list[dict[str, Any]]
Ask = Callable[[AsyncClient, Mapping[str, str]], Awaitable[Any]]
_days = TypeAdapter(int)


def signal_rows(signals: answers.NewestSignals, now_ms: int) -> Rows:
    """Return one row for each signal, with its age, and whether it is acted on."""
    rows = []
    for signal in signals.signals:
        decision = decide(signal, now_ms=now_ms)
        rows.append(
            {
                "symbol": signal.symbol,
                "signal": signal.signal,
                "acted_on": "yes" if decision.side else "no",
                "why": decision.reason,
                "confidence": signal.confidence,
                "evidence": VERDICTS[signal.evidence.verdict] if signal.evidence else None,
                "age_minutes": round((now_ms - signal.timestamp) / 60_000, 1),
                "price": signal.price,
                "stop": signal.risk_assessment.stop_loss_suggestion,
                "target": signal.risk_assessment.take_profit_suggestion,
                "timeframe": signal.timeframe,
                "source_data": signal.source_data,
            }
        )
    return rows


def record_rows(record: answers.TrackRecord) -> Rows:
    """Return one row for each lane, timeframe and horizon: no share without its count and interval."""
    names = ("lane", "timeframe", "horizon", "count", "effective", "hit_rate", "low", "high", "base_rate")
    costs = ("bps", "bps_low", "bps_high", "net_bps", "neutral")
    return [
        {name: getattr(line, name) for name in names}
        | {"verdict": VERDICTS[line.verdict]}
        | {name: getattr(line, name) for name in costs}
        for line in record.records
    ]


def past_rows(past: answers.PastAnalyses) -> Rows:
    """Return one row for each past analysis, with its result."""
    return [
        {
            "created_at": analysis.created_at,
            "timeframe": analysis.timeframe,
            "signal": analysis.signal,
            "kind": analysis.kind,
            "confidence": analysis.confidence,
            "price": analysis.price,
            "stop": analysis.plan.stop if analysis.plan else None,
            "target": analysis.plan.target if analysis.plan else None,
            "outcome": analysis.outcome or "open",
            "r": analysis.r,
            "lane": analysis.lane,
        }
        for analysis in past.analyses
    ]


def analysis_text(analysis: answers.Analysis, now_ms: int) -> str:
    """Return an analysis in Markdown: the signal, whether it is acted on, the levels, the reasons, the guards."""
    decision, risk = decide(analysis, now_ms=now_ms), analysis.risk_assessment
    invented = ["**The market is invented (synthetic): for demonstration alone.**", ""]
    failed = [gate.name for gate in analysis.gates if not gate.passed]
    lines = [
        f"## {analysis.symbol} {analysis.timeframe}: {analysis.signal}",
        "",
        *(invented if analysis.source_data == "synthetic" else []),
        f"- acted on: {'yes' if decision.side else 'no'}, {decision.reason}",
        f"- confidence: {analysis.confidence:.3f} (at 0.5 a plan pays its costs and no more)",
        f"- stop: {risk.stop_loss_suggestion}, target: {risk.take_profit_suggestion}",
        f"- candles: {analysis.source_data}, newest closed {analysis.data_age_seconds} s ago",
        f"- guards that refuse: {', '.join(failed) or 'none'}",
        "",
        analysis.reasoning,
    ]
    return "\n".join(lines)


async def _signals(client: AsyncClient, _: Mapping[str, str]) -> Rows:
    return signal_rows(await client.send(calls.newest_signals()), _now_ms())


async def _record(client: AsyncClient, query: Mapping[str, str]) -> Rows:
    days = _days.validate_python(query.get("days", "30"))
    return record_rows(await client.send(calls.track_record(days=days, symbol=query.get("symbol") or None)))


async def _past(client: AsyncClient, query: Mapping[str, str]) -> Rows:
    return past_rows(await client.send(calls.analyses(query.get("symbol", "BTCUSDT"))))


async def _candles(client: AsyncClient, query: Mapping[str, str]) -> Rows:
    timeframe = TypeAdapter(answers.Timeframe).validate_python(query.get("timeframe", "1h"))
    shown = await client.send(calls.candles(query.get("symbol", "BTCUSDT"), timeframe))
    return [candle.model_dump() for candle in shown.candles]


async def _analysis(client: AsyncClient, query: Mapping[str, str]) -> str:
    return analysis_text(await client.send(calls.analyze(query.get("symbol", "BTCUSDT"))), _now_ms())


TABLES: dict[str, Ask] = {
    "/signals": _signals,
    "/track_record": _record,
    "/past_analyses": _past,
    "/candles": _candles,
    "/analysis": _analysis,
}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _endpoint(client: AsyncClient, key: str | None, ask: Ask) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        given = request.headers.get("x-api-key", "")
        if key and not hmac.compare_digest(given.encode(), key.encode()):
            return JSONResponse({"detail": "X-API-KEY is not the value of OPENBB_KEY"}, 401)
        try:
            return JSONResponse(await ask(client, request.query_params))
        except ValidationError as error:
            return JSONResponse({"detail": error.errors()[0]["msg"]}, 422)
        except Problem as problem:
            return JSONResponse({"detail": f"the service refused: {problem.detail}"}, problem.status)
        except httpx2.TransportError as error:
            return JSONResponse({"detail": f"the service cannot be reached: {error}"}, 502)

    return answer


def create_app(url: str, token: str | None = None, key: str | None = None) -> Starlette:
    """Return the backend of a service at a URL; with a key, tables are for those who send it."""
    client = AsyncClient(url, token=token)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    async def widgets(_: Request) -> Response:
        return FileResponse(WIDGETS)

    async def about(_: Request) -> Response:
        return JSONResponse({"name": "Trading signals"})

    cors = Middleware(
        CORSMiddleware, allow_origins=ORIGINS, allow_methods=["GET"], allow_headers=["*"], allow_private_network=True
    )
    tables = [Route(path, _endpoint(client, key, ask)) for path, ask in TABLES.items()]
    routes = [Route("/", about), Route("/widgets.json", widgets), *tables]
    return Starlette(routes=routes, middleware=[cors], lifespan=lifespan)


def main() -> None:
    """Serve until it is stopped."""
    parser = argparse.ArgumentParser(description="Serve the signals to OpenBB Workspace.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=7779)
    arguments = parser.parse_args()
    environment = os.environ.get
    url = environment("SIGNALS_URL", "http://127.0.0.1:8000")
    app = create_app(url, environment("SIGNALS_TOKEN"), environment("OPENBB_KEY"))
    uvicorn.run(app, host=arguments.host, port=arguments.port)


if __name__ == "__main__":
    main()
