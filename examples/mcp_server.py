"""An MCP server: a language model's client asks the service by three tools that change nothing.

    .venv/bin/pip install "mcp>=2.3,<3"
    .venv/bin/python examples/mcp_server.py

It speaks over stdio, as the client starts it. SIGNALS_URL and SIGNALS_TOKEN name the service and a client's token.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import httpx2
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "clients" / "python"))

from trading_signal_client import AsyncClient, Problem, answers, calls, decide

A = TypeVar("A", bound=BaseModel)
READ_ONLY = ToolAnnotations(read_only_hint=True, destructive_hint=False)
INSTRUCTIONS = """Signals of markets, with their measured worth.
A confidence is not the probability of a profit: at 0.5 a plan pays its costs and no more.
Act on no signal where `acted_on` is false; `why` says why. A market whose `source_data` is `synthetic` is invented.
A share without its count and interval says nothing: a verdict `none` or `insufficient` means undecided."""

Symbol = Annotated[str, Field(min_length=1, max_length=40, description="Such as BTCUSDT, AAPL, EURUSD=X or ^GSPC.")]
Lane = Literal["rules", "model", "llm", "blend"]


class Advice(BaseModel):
    """An analysis, and whether a signal like this is acted on now."""

    acted_on: bool
    why: str
    analysis: answers.Analysis


class ReplayedMoment(BaseModel):
    """What would have been said at a moment of the past, and where that differs from the record."""

    as_of: datetime
    replay: answers.Replay


class SignalTools:
    """The tools; each asks the service once."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def analyze(self, symbol: Symbol) -> Advice:
        """Analyze a market now: the signal with stop, target, reasons, evidence, and whether it is acted on.

        The service enters its answer in its ledger, and may ask a paid language model where it has one.
        """
        analysis = await self._send(calls.analyze(symbol))
        decision = decide(analysis, now_ms=time.time_ns() // 1_000_000)
        return Advice(acted_on=decision.side is not None, why=decision.reason, analysis=analysis)

    async def track_record(
        self,
        days: Annotated[int, Field(ge=1, le=400, description="UTC days up to today.")] = 30,
        lane: Lane | None = None,
        symbol: Symbol | None = None,
        timeframe: answers.Timeframe | None = None,
        horizon: Literal["1", "4", "12", "24", "plan"] | None = None,
    ) -> answers.TrackRecord:
        """Read the results of settled calls of the last days, with counts, intervals and verdicts."""
        return await self._send(
            calls.track_record(days=days, lane=lane, symbol=symbol, timeframe=timeframe, horizon=horizon)
        )

    async def replay(
        self,
        symbol: Symbol,
        as_of: Annotated[datetime, Field(description="A moment of the past, ISO 8601; UTC where no zone is given.")],
    ) -> ReplayedMoment:
        """Say what would have been said at a moment of the past, by candles that had closed then, beside the record."""
        moment = as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC)
        replayed = await self._send(calls.replay(symbol, int(moment.timestamp() * 1000)))
        return ReplayedMoment(as_of=moment, replay=replayed)

    async def _send(self, call: calls.Call[A]) -> A:
        try:
            return await self._client.send(call)
        except Problem as problem:
            wait = f" Try again in {problem.retry_after_seconds} s." if problem.retry_after_seconds else ""
            raise ToolError(f"The service refused ({problem.status}): {problem.detail}{wait}") from problem
        except httpx2.TransportError as error:
            raise ToolError(f"The service cannot be reached: {error or type(error).__name__}") from error


def create_server(url: str, token: str | None = None) -> MCPServer[None]:
    """Return the server of a service at a URL."""
    client = AsyncClient(url, token=token)

    @asynccontextmanager
    async def lifespan(_: MCPServer[None]) -> AsyncIterator[None]:
        async with client:
            yield

    server = MCPServer("trading-signals", instructions=INSTRUCTIONS, lifespan=lifespan, log_level="WARNING")
    tools = SignalTools(client)
    for tool in (tools.analyze, tools.track_record, tools.replay):
        server.add_tool(tool, annotations=READ_ONLY)
    return server


if __name__ == "__main__":
    create_server(os.environ.get("SIGNALS_URL", "http://127.0.0.1:8000"), os.environ.get("SIGNALS_TOKEN")).run()
