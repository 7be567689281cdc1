"""`cli.py candles download` as a user runs it: in its own process, against servers on loopback."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.market import Candle, Timeframe
from features.candle_reading.reading import read_candles
from tests.fixtures.bodies import now_ms
from tests.fixtures.clocks import SettableClock
from tests.fixtures.commands import forked_command
from tests.fixtures.http_stand_in import Answer, Request, StandIn, engine_candle
from tests.fixtures.past_markets import HOUR_MS, PastExchange, hours_until, without
from tests.fixtures.patience import COMMAND_SECONDS
from tests.fixtures.yahoo_charts import YahooMarket
from utils.clock import SystemClock

pytest_plugins = ["tests.fixtures.remote_server"]

ROOT = Path(__file__).resolve().parents[2]
HOURS = 3_500

pytestmark = pytest.mark.usefixtures("hour_with_time_left")


@dataclass
class Shell:
    """Runs the command with the sources at the server's address."""

    server: StandIn
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        address = {f"MARKET_DATA__{name}_URL": self.server.url for name in ("BINANCE", "YAHOO", "ENGINE")}
        return {**os.environ, **address}

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Start it in a new interpreter."""
        command = [sys.executable, "cli.py", "candles", "download", *map(str, arguments), "--out", str(self.folder)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = ("candles", "download", *arguments, "--out", self.folder)
        return forked_command(*command, environment=self.environment)

    def json(self, *arguments: object) -> Any:
        ended = self.run(*arguments, "--json")
        assert (ended.returncode, ended.stderr) == (0, "")
        return json.loads(ended.stdout)

    def saved(self, name: str = "BTCUSDT-1h.csv.gz") -> list[tuple[float, ...]]:
        # Candles are tuples.
        return [tuple(candle) for candle in read_candles(self.folder / name, now_ms()).series.candles]  # type: ignore[arg-type]


@pytest.fixture
def shell(server: StandIn, tmp_path: Path) -> Shell:
    return Shell(server, tmp_path / "candles")


def date(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def rounded(candles: list[Candle]) -> list[tuple[float, ...]]:
    """Return candles with the eight decimals of Binance."""
    return [(c.timestamp, *(float(f"{number:.8f}") for number in c[1:])) for c in candles]


def test_years_of_hours_are_fetched_by_pages_and_holes_are_told(server: StandIn, shell: Shell) -> None:
    candles = without(hours_until(now_ms(), HOURS), (700, 710), (2_000, 2_001), (3_000, 3_004))
    server.answer = exchange = PastExchange(candles)
    told = shell.json("BTCUSDT", "--timeframe", "1h", "--since", "2017-08-17")
    closed = candles[:-1]
    assert shell.saved() == rounded(closed)
    assert gzip.decompress((shell.folder / "BTCUSDT-1h.csv.gz").read_bytes()).startswith(
        b"timestamp,open,high,low,close,volume\n"
    )
    first, last = (dict(zip(Candle._fields, rounded(closed)[at], strict=True)) for at in (0, -1))
    hole = candles[700].timestamp - 10 * HOUR_MS
    assert told == {
        "symbol": "BTCUSDT",
        "timeframe": "1h",
        "source": "binance",
        "file": str(shell.folder / "BTCUSDT-1h.csv.gz"),
        "candles": len(closed),
        "added": len(closed),
        "first": first,
        "last": last,
        "missing": 15,
        "holes": [
            {"from": hole, "to": candles[700].timestamp, "candles": 10},
            {"from": candles[1_989].timestamp + HOUR_MS, "to": candles[1_990].timestamp, "candles": 1},
            {"from": candles[2_988].timestamp + HOUR_MS, "to": candles[2_989].timestamp, "candles": 4},
        ],
    }
    assert [request.query["limit"] for request in exchange.requests] == ["1000"] * 4
    words = shell.run("BTCUSDT").stdout
    assert f"{len(closed):,} candles of BTCUSDT 1h from binance, 0 of them new" in words
    assert f"3 holes, 15 candles; the longest 10.0 h from {date(hole)[:16].replace('T', ' ')}" in words


def test_file_is_brought_up_to_date_by_its_last_page_alone(server: StandIn, shell: Shell) -> None:
    candles = hours_until(now_ms(), HOURS)
    server.answer = exchange = PastExchange(candles)
    until = date(candles[2_100].timestamp)
    assert shell.json("BTCUSDT", "--until", until, "--format", "parquet")["candles"] == 2_100
    exchange.requests.clear()
    told = shell.json("BTCUSDT", "--format", "parquet", "--since", date(candles[0].timestamp))
    assert (told["candles"], told["added"]) == (HOURS - 1, HOURS - 2_101)
    assert [int(request.query["startTime"]) for request in exchange.requests] == [
        candles[2_098].timestamp,
        candles[3_098].timestamp,
    ]
    assert shell.saved("BTCUSDT-1h.parquet") == rounded(candles[:-1])


def test_short_failures_and_rate_limits_are_waited_out(server: StandIn, shell: Shell) -> None:
    candles = hours_until(now_ms(), 1_500)
    server.answer = exchange = PastExchange(candles)
    exchange.faults.extend([Answer(status=503), Answer(b"{}", 429, {"retry-after": "1"}), Answer(b"<html>")])
    assert shell.json("BTCUSDT")["candles"] == 1_499


def test_source_that_wants_hours_of_rest_keeps_what_there_is(server: StandIn, shell: Shell) -> None:
    candles = hours_until(now_ms(), HOURS)
    exchange = PastExchange(candles)

    def answer(request: Request) -> Answer:
        return exchange(request) if len(exchange.requests) < 2 else Answer(b"{}", 418, {"retry-after": "7200"})

    server.answer = answer
    ended = shell.run("BTCUSDT")
    assert (ended.returncode, ended.stdout) == (2, "")
    said = " ".join(ended.stderr.split())
    assert "BTCUSDT: binance answered with status 418 and wants to be left alone for 2.0 h" in said
    assert f"has 2,000 candles to {date(candles[1_999].timestamp)[:16].replace('T', ' ')}" in said
    assert shell.saved() == rounded(candles[:2_000])


def test_ctrl_c_keeps_what_was_fetched_and_the_same_command_goes_on(server: StandIn, shell: Shell) -> None:
    candles = hours_until(now_ms(), HOURS)
    exchange = PastExchange(candles)
    running: list[subprocess.Popen[str]] = []

    def answer(request: Request) -> Answer:
        if len(exchange.requests) == 2:
            running[0].send_signal(signal.SIGINT)
            return Answer(hang=True)
        return exchange(request)

    server.answer = answer
    running.append(shell.start("BTCUSDT"))
    output, errors = running[0].communicate(timeout=COMMAND_SECONDS)
    assert (running[0].returncode, output) == (130, "")
    assert errors.startswith("interrupted: ")
    assert "has 2,000 candles" in errors
    assert "Traceback" not in errors
    assert [path.name for path in shell.folder.iterdir()] == ["BTCUSDT-1h.csv.gz"]
    assert shell.saved() == rounded(candles[:2_000])
    server.answer = exchange
    assert shell.json("BTCUSDT")["added"] == HOURS - 1 - 2_000


def test_symbol_that_binance_does_not_know_is_an_error_and_the_others_are_fetched(
    server: StandIn, shell: Shell
) -> None:
    server.answer = PastExchange(hours_until(now_ms(), 200))
    ended = shell.run("BTCUSTDUSDT", "BTCUSDT", "--json")
    assert ended.returncode == 2
    assert ended.stderr == "error: BTCUSTDUSDT: binance knows no symbol BTCUSTDUSDT\n"
    (told,) = json.loads(ended.stdout)["files"]
    assert (told["symbol"], told["candles"]) == ("BTCUSDT", 199)
    assert [path.name for path in shell.folder.iterdir()] == ["BTCUSDT-1h.csv.gz"]


def test_time_without_candles_writes_no_file(server: StandIn, shell: Shell) -> None:
    server.answer = PastExchange(hours_until(now_ms(), 200))
    ended = shell.run("BTCUSDT", "--since", "2015-01-01", "--until", "2015-03-01")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "binance has no closed candle of BTCUSDT 1h in this time" in ended.stdout
    assert not shell.folder.exists()


def test_engine_gives_its_newest_candles(server: StandIn, shell: Shell) -> None:
    candles = hours_until(now_ms(), 300)
    rows = [engine_candle(candle, Timeframe.H1) for candle in candles]
    server.always(Answer.of({"success": True, "data": rows}))
    assert shell.json("BTCUSDT", "--source", "engine", "--since", "2017-08-17")["candles"] == 299
    (request,) = server.requests
    assert (request.path, request.query) == ("/api/market/candles/BTCUSDT/1h", {"limit": "5000"})


def test_shares_come_from_yahoo_and_nights_are_no_holes(server: StandIn, shell: Shell) -> None:
    server.answer = YahooMarket(SettableClock(SystemClock().now()))
    told = shell.json("aapl", "--timeframe", "1h")
    assert (told["symbol"], told["source"], told["missing"], told["holes"]) == ("AAPL", "yahoo", 0, [])
    # Two years of seven candles a day.
    assert 3_000 < told["candles"] < 3_600
    assert {request.path for request in server.requests} == {"/v8/finance/chart/AAPL"}
    assert shell.json("AAPL", "--timeframe", "1h")["added"] == 0


def test_name_that_leads_out_of_the_folder_is_refused(server: StandIn, shell: Shell) -> None:
    ended = shell.run("../BTCUSDT")
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ../BTCUSDT: a symbol has at most")
    assert server.requests == []


def test_impossible_wishes_are_refused(server: StandIn, shell: Shell) -> None:
    ended = shell.run("BTCUSDT", "--since", "2020-01-02", "--until", "2020-01-01")
    assert (ended.returncode, ended.stderr) == (2, "error: --since has to be before --until and before now\n")
    assert shell.run("BTCUSDT", "--timeframe", "2h").returncode == 2
    assert server.requests == []
