"""The main job over real sockets: an engine posts, every client receives the signal."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import websockets

from domain.market import CandleSeries, Timeframe
from tests.fixtures.bodies import base_path, shape_a, shape_b
from tests.fixtures.candle_files import write_candles
from tests.fixtures.commands import failed_start, forked_command
from tests.fixtures.patience import COMMAND_SECONDS, PATIENCE_SECONDS, PAUSE_SECONDS
from tests.fixtures.service import ROOT, Service, running_service

if TYPE_CHECKING:
    from tests.fixtures.mongod import Mongod

pytest_plugins = ["tests.fixtures.mongod"]

UP = 0.35
SECRET = ("DATABASE_URL", "mongodb://me:hunter2@host", "storage.url")
SYMBOLS = {"BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "ADAUSDT", "DOTUSDT", "XRPUSDT", "LINKUSDT"}


async def receive(socket: websockets.ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        message = json.loads(await socket.recv())
    assert isinstance(message, dict)
    return message


async def post_and_listen(service: Service) -> None:
    async with (
        websockets.connect(service.socket_url) as first,
        websockets.connect(service.socket_url) as second,
        httpx2.AsyncClient(base_url=service.url, timeout=PATIENCE_SECONDS) as client,
    ):
        for socket in (first, second):
            assert (await receive(socket))["type"] == "connection"
        body = shape_a(seed=5, drift=UP, symbol="BTCUSDT")
        answer = (await client.post("/ai/analyze", json=body)).json()
        again = (await client.post("/ai/analyze", json=body)).json()
        assert answer["signal"] == "Long"
        assert again["reasoning"] == "[RECENT] " + answer["reasoning"]
        for socket in (first, second):
            for _ in range(2):
                event = await receive(socket)
                assert event["type"] == "AISignalReceived"
                data = event["data"]
                assert data["signal"] == "long"
                assert type(data["timestamp"]) is int
                assert data["reasoning"] == answer["reasoning"]
                for key in ("symbol", "confidence", "timestamp", "strategy_scores", "market_analysis"):
                    assert data[key] == answer[key]
                assert data["risk_assessment"] == answer["risk_assessment"]
        async with asyncio.timeout(PATIENCE_SECONDS):  # a reader waits for the writes before it, a second at most
            while not (stored := (await client.get("/ai/storage/stats")).json()["symbol_breakdown"]):
                await asyncio.sleep(PAUSE_SECONDS)
        assert stored[0]["symbol"] == "BTCUSDT"


async def test_every_socket_shows_what_the_engine_got_on_sqlite() -> None:
    with running_service() as service:
        await post_and_listen(service)


@pytest.mark.realserver
async def test_every_socket_shows_what_the_engine_got_on_mongodb(mongo_url: str) -> None:
    with running_service(DATABASE_URL=mongo_url) as service:
        await post_and_listen(service)
        health = service.get("/health").json()
        assert health["mongodb_connected"] is True


async def test_equal_requests_at_the_same_time_cause_one_analysis() -> None:
    with running_service() as service:
        async with httpx2.AsyncClient(base_url=service.url, timeout=PATIENCE_SECONDS) as client:
            body = shape_a()
            answers = await asyncio.gather(*(client.post("/ai/analyze", json=body) for _ in range(30)))
            assert {answer.status_code for answer in answers} == {200}
            assert len({answer.json()["analysis_id"] for answer in answers}) == 1
            assert (await client.get("/ai/storage/stats")).json()["archived_analyses"] == 1


async def test_the_loop_analyzes_eight_symbols_by_itself_and_labels_synthetic_data() -> None:
    with running_service(
        PERIODIC_ANALYSIS="true", PERIODIC__PAUSE_SECONDS="0.3", MARKET_DATA_SOURCES="synthetic"
    ) as service:
        async with (
            websockets.connect(service.socket_url) as socket,
            httpx2.AsyncClient(base_url=service.url, timeout=PATIENCE_SECONDS) as client,
        ):
            await receive(socket)
            seen: dict[str, str] = {}
            while len(seen) < len(SYMBOLS) - 1:  # the first may have gone out before the socket was there
                data = (await receive(socket))["data"]
                seen[data["symbol"]] = data["source_data"]
            assert set(seen) <= SYMBOLS
            assert set(seen.values()) == {"synthetic"}
            said: dict[str, str] = {}
            async with asyncio.timeout(PATIENCE_SECONDS):
                while said.keys() != SYMBOLS:
                    await asyncio.sleep(0.05)
                    entries = (await client.get("/ai/ledger", params={"limit": 50})).json().get("entries", [])
                    said = {entry["symbol"]: entry["apart"] for entry in entries}
            assert set(said.values()) == {"synthetic"}
            assert (await client.get("/ai/storage/stats")).json()["archived_analyses"] == 0
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (cycle := (await client.get("/health")).json()["last_cycle"]) is None:
                    await asyncio.sleep(0.05)
            assert cycle["failures"] == {}
            assert "synthetic" in service.output


async def test_sigterm_under_load_answers_what_it_took_and_loses_nothing(tmp_path: Path) -> None:
    database = tmp_path / "load.db"
    answered: list[str] = []
    with running_service(DATABASE_URL=f"sqlite:///{database}") as service:
        async with (
            websockets.connect(service.socket_url) as socket,
            httpx2.AsyncClient(base_url=service.url, timeout=PATIENCE_SECONDS) as client,
        ):
            await receive(socket)

            async def engine(number: int) -> None:
                for turn in range(1000):
                    body = shape_b(seed=turn % 3, symbol=f"S{number}X{turn}USDT")
                    try:
                        response = await client.post("/ai/analyze", json=body)
                    except httpx2.TransportError:
                        return
                    assert response.status_code == 200
                    answered.append(response.json()["analysis_id"])

            engines = [asyncio.create_task(engine(number)) for number in range(4)]
            while len(answered) < 8:
                await asyncio.sleep(0.01)
            status, seconds = await asyncio.to_thread(service.stop)
            await asyncio.gather(*engines)
            with suppress(websockets.ConnectionClosed):
                async for _ in socket:
                    pass
            assert socket.close_code == 1001
    assert status == 0
    assert seconds < 10
    with closing(sqlite3.connect(database)) as connection, connection:
        kept = {row[0] for row in connection.execute("SELECT analysis_id FROM analysis_archive")}
    connection.close()
    assert set(answered) <= kept


def test_the_start_screen_names_api_docs_socket_and_parts() -> None:
    with running_service() as service:
        service.stop(signal.SIGINT)
        output = service.output
    for words in (f"{service.url}/ai/analyze", f"{service.url}/docs", service.socket_url, "sqlite", "synthetic", "LLM"):
        assert words in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("command", "name", "value", "key"),
    [
        (["main.py"], "PORT", "eighty", "server.port"),
        (["main.py"], *SECRET),
        (["cli.py", "serve"], *SECRET),
        (["-m", "uvicorn", "main:app"], *SECRET),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line_that_names_it(
    command: list[str], name: str, value: str, key: str
) -> None:
    done = failed_start(command, {"PATH": os.environ["PATH"], name: value})
    assert done.returncode != 0
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert len(lines) == 1
    assert key in lines[0]
    assert "hunter2" not in lines[0]


@pytest.mark.realserver
async def test_mongod_killed_and_restarted_in_the_middle_stops_no_request(own_mongod: Mongod) -> None:
    own_mongod.start()
    with running_service(DATABASE_URL=own_mongod.fresh_url(), STORAGE__RETRY_SECONDS="0.2") as service:
        async with httpx2.AsyncClient(base_url=service.url, timeout=PATIENCE_SECONDS) as client:

            async def analyze(symbol: str) -> None:
                response = await client.post("/ai/analyze", json=shape_b(symbol=symbol))
                assert response.status_code == 200

            async def health(status: str) -> None:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while (await client.get("/health")).json()["status"] != status:
                        await asyncio.sleep(0.05)

            await analyze("BEFORE1")
            own_mongod.kill()
            for number in range(5):
                await analyze(f"DURING{number}")
            await health("degraded")
            own_mongod.start()
            await health("healthy")
            await analyze("AFTER1")
            async with asyncio.timeout(PATIENCE_SECONDS):
                # what was answered while the store was down is kept once it is back
                while (await client.get("/ai/storage/stats")).json()["archived_analyses"] != 7:
                    await asyncio.sleep(0.05)
            assert service.output.count("Traceback") == 0


def test_the_example_posts_candles_and_sees_the_same_signal_unless_they_are_old(tmp_path: Path) -> None:
    with running_service() as service:

        def post_file(series: CandleSeries) -> str:
            file = write_candles(tmp_path / "ETHUSDT-15m.csv.gz", series)
            command = [sys.executable, "examples/post_candles.py", str(file)]
            environment = os.environ | {"SIGNALS_URL": service.url}
            return subprocess.run(
                command,
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                check=True,
                timeout=COMMAND_SECONDS,
            ).stdout

        path = base_path()
        earlier = CandleSeries(path.timeframe, path.candles[:-100])
        old, first, second = (post_file(series) for series in (earlier, path, path))
    assert "POST /ai/analyze answered for ETHUSDT" in old  # as the name of the file tells
    assert "The candles are old, so nothing is broadcast" in old
    assert "/ws received the same analysis as AISignalReceived" in first
    assert "[RECENT]" not in first
    assert "[RECENT]" in second


@pytest.mark.parametrize("timeframe", ["1h", "4h"])
def test_the_command_line_analyzes_a_file(tmp_path: Path, timeframe: str) -> None:
    file = write_candles(tmp_path / "BTCUSDT-1h.csv.gz", base_path().resample(Timeframe.H1))
    done = forked_command("analyze", file, "--timeframe", timeframe, environment=os.environ)
    assert done.returncode == 0
    for words in (f"BTCUSDT {timeframe}", "signal", "stop loss", "support", "RSI Strategy", "Reasons"):
        assert words in done.stdout


def test_the_command_line_explains_a_bad_file_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a,b\n1,2\n")
    done = forked_command("analyze", file, environment=os.environ)
    assert done.returncode == 2
    assert "x.csv: has no row of candles" in done.stderr
    assert "Traceback" not in done.stderr
