"""The MCP server, started over stdio by the client of the SDK, against a running service."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
from trading_signal_client import Client, answers, calls

from domain.market import Timeframe
from servers.process import free_port
from tests.conftest import ADMIN_TOKEN
from tests.fixtures.bodies import base_path, wire_candles
from tests.fixtures.service import ROOT, Service, running_service

if TYPE_CHECKING:
    from mcp import ClientSession
    from mcp.types import CallToolResult


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Run a service to which a trusted client has posted candles."""
    with running_service(RATE_LIMITS="off") as running:
        series = base_path(seed=5, drift=0.0005).resample(Timeframe.H1)
        candles = cast("list[calls.Candle]", wire_candles(series, 300))
        with Client(running.url, token=ADMIN_TOKEN) as client:
            client.send(calls.analyze("BTCUSDT", {"1h": candles}))
        yield running


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[ClientSession]:
    """Start the server as a client of a language model starts it."""
    from mcp import ClientSession, StdioServerParameters, stdio_client  # half a second, which a collection does without

    started = StdioServerParameters(
        command=sys.executable, args=["examples/mcp_server.py"], cwd=ROOT, env={**os.environ, "SIGNALS_URL": url}
    )
    async with stdio_client(started) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        yield session


async def call(session: ClientSession, tool: str, **arguments: Any) -> CallToolResult:
    from mcp.types import CallToolResult

    answered = await session.call_tool(tool, arguments)
    assert isinstance(answered, CallToolResult)
    return answered


def text(answered: CallToolResult) -> str:
    from mcp.types import TextContent

    (content,) = answered.content
    assert isinstance(content, TextContent)
    return content.text


async def test_a_market_is_analyzed_with_whether_to_act(service: Service) -> None:
    async with connected(service.url) as session:
        answered = await call(session, "analyze", symbol="ETHUSDT")
    assert not answered.is_error
    assert answered.structured_content is not None
    analysis = answers.Analysis.model_validate(answered.structured_content["analysis"])
    assert (analysis.symbol, analysis.source_data) == ("ETHUSDT", "synthetic")
    assert answered.structured_content["acted_on"] is False
    assert answered.structured_content["why"] == "the market is invented (source_data: synthetic)"


async def test_the_track_record_is_that_of_the_service_and_its_refusals_say_why(service: Service) -> None:
    future = datetime.fromtimestamp(time.time() + 86_400, UTC).isoformat()
    async with connected(service.url) as session:
        answered = await call(session, "track_record", days=7, lane="rules")
        too_many = await call(session, "track_record", days=4000)
        unknown = await call(session, "analyze", symbol="not a symbol")
        later = await call(session, "replay", symbol="BTCUSDT", as_of=future)
    with Client(service.url) as client:
        record = client.send(calls.track_record(days=7, lane="rules"))
    assert answered.structured_content == record.model_dump(mode="json")
    assert too_many.is_error
    for refused in (unknown, later):
        assert refused.is_error
        assert "The service refused (422)" in text(refused)


async def test_a_moment_of_the_past_is_replayed(service: Service) -> None:
    moment = datetime.fromtimestamp(time.time() // 3600 * 3600 - 7200, UTC)
    async with connected(service.url) as session:
        answered = await call(session, "replay", symbol="BTCUSDT", as_of=moment.isoformat())
        without_zone = await call(session, "replay", symbol="BTCUSDT", as_of=moment.replace(tzinfo=None).isoformat())
    assert not answered.is_error, text(answered)
    assert answered.structured_content is not None
    replay = answers.Replay.model_validate(answered.structured_content["replay"])
    assert replay.as_of == int(moment.timestamp() * 1000)
    assert without_zone.structured_content is not None
    assert without_zone.structured_content["replay"]["as_of"] == replay.as_of


async def test_without_the_service_three_read_only_tools_are_listed_and_say_that_it_is_away() -> None:
    async with connected(f"http://127.0.0.1:{free_port()}") as session:
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        answered = await call(session, "analyze", symbol="BTCUSDT")
    assert sorted(tools) == ["analyze", "replay", "track_record"]
    for tool in tools.values():
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is True
        assert tool.description
    assert tools["replay"].input_schema["required"] == ["symbol", "as_of"]
    assert answered.is_error
    assert "The service cannot be reached" in text(answered)
