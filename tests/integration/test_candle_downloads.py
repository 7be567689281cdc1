"""Downloads of candles into the store, as jobs: from a source on loopback to what readers of the store see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from domain.market import Candle, Timeframe
from storage.sqlite.store import SqliteStore
from tests.conftest import LOOPBACK, MakeSettings, admin_headers
from tests.fixtures.bodies import now_ms
from tests.fixtures.http_stand_in import Answer, StandIn
from tests.fixtures.past_markets import HOUR_MS, PastExchange, hours_until, without
from tests.fixtures.patience import ended, eventually

pytest_plugins = ["tests.fixtures.remote_server"]

pytestmark = pytest.mark.usefixtures("hour_with_time_left")

HOURS = 2_500
Operate = Callable[[], TestClient]


@pytest.fixture
def operate(make_settings: MakeSettings, server: StandIn) -> Operate:
    """Return a function that starts the service of an administrator, on the same database each time."""
    settings = make_settings(
        rate_limits={"enabled": False},
        market_data={"sources": ["stored"], "binance_url": server.url},
        storage={"candles_per_series": 4_000},
        jobs={"look_seconds": 0.1},
    )
    options: dict[str, Any] = {"client": LOOPBACK, "headers": admin_headers()}
    return lambda: TestClient(create_app(settings), base_url="http://127.0.0.1:8000", **options)


@pytest.fixture
def client(operate: Operate) -> Iterator[TestClient]:
    with operate() as client:
        yield client


def closed(candles: list[Candle]) -> list[Candle]:
    """Return the closed candles with the eight decimals of Binance."""
    return [Candle(c.timestamp, *(float(f"{number:.8f}") for number in c[1:])) for c in candles[:-1]]


def order(candles: list[Candle], **changes: Any) -> dict[str, Any]:
    return {"symbols": ["BTCUSDT"], "timeframe": "1h", "since": candles[0].timestamp} | changes


def queue(client: TestClient, body: dict[str, Any]) -> str:
    queued = client.post("/jobs/download_candles", json=body)
    assert queued.status_code == 202, queued.text
    assert queued.json()["kind"] == "download_candles"
    return str(queued.json()["job_id"])


def download(client: TestClient, body: dict[str, Any]) -> dict[str, Any]:
    return ended(client, queue(client, body))


def stored(path: Path, symbol: str = "BTCUSDT") -> list[Candle]:
    """Return the candles that another reader of the database finds."""

    async def read() -> list[Candle]:
        store = SqliteStore(path)
        await store.open()
        try:
            return await store.candle_history(symbol, Timeframe.H1, 10_000)
        finally:
            await store.close()

    return asyncio.run(read())


def keep(path: Path, candles: list[Candle]) -> None:
    async def save() -> None:
        store = SqliteStore(path)
        await store.open()
        await store.save_candles("BTCUSDT", Timeframe.H1, candles)
        await store.close()

    asyncio.run(save())


def asked(exchange: PastExchange) -> list[int]:
    return [int(request.query["startTime"]) for request in exchange.requests]


def test_past_of_a_market_is_stored_and_the_result_says_what_is_there(
    client: TestClient, server: StandIn, tmp_path: Path
) -> None:
    candles = without(hours_until(now_ms(), HOURS), (700, 710))
    server.answer = exchange = PastExchange(candles)
    job = download(client, order(candles))
    assert job["status"] == "succeeded", job["error"]
    found = closed(candles)
    assert stored(tmp_path / "store.db") == found
    hole = {"from": candles[700].timestamp - 10 * HOUR_MS, "to": candles[700].timestamp, "candles": 10}
    assert job["result"] == {
        "markets": [
            {
                "symbol": "BTCUSDT",
                "timeframe": "1h",
                "source": "binance",
                "read": len(found),
                "added": len(found),
                "candles": len(found),
                "first": found[0]._asdict(),
                "last": found[-1]._asdict(),
                "missing": 10,
                "holes": [hole],
            }
        ],
        "failed": {},
    }
    assert (job["progress"]["stage"], job["progress"]["share"]) == ("BTCUSDT: 2,489 candles are stored", 1.0)
    assert (job["parameters"]["symbols"], job["parameters"]["timeframe"]) == ("BTCUSDT", "1h")
    assert len(exchange.requests) == 3


def test_second_download_reads_only_what_is_missing(client: TestClient, server: StandIn, tmp_path: Path) -> None:
    candles = hours_until(now_ms(), HOURS)
    found = closed(candles)
    keep(tmp_path / "store.db", [*found[100:1_000], *found[1_050:2_300]])
    server.answer = exchange = PastExchange(candles)
    (market,) = download(client, order(candles))["result"]["markets"]
    assert (market["read"], market["added"]) == (100 + 1 + 50 + 2 + 199 + 1, 100 + 50 + 199)
    assert (market["candles"], market["holes"]) == (HOURS - 1, [])
    assert asked(exchange) == [found[at].timestamp for at in (0, 999, 2_299)]
    assert stored(tmp_path / "store.db") == found
    exchange.requests.clear()
    (market,) = download(client, order(candles))["result"]["markets"]
    assert (market["read"], market["candles"], exchange.requests) == (0, HOURS - 1, [])


def test_cancelled_download_keeps_what_was_read_and_a_retry_goes_on_there(
    client: TestClient, server: StandIn, tmp_path: Path
) -> None:
    candles = hours_until(now_ms(), HOURS)
    exchange = PastExchange(candles)
    server.answer = lambda request: Answer(hang=True) if len(exchange.requests) == 2 else exchange(request)
    job_id = queue(client, order(candles))
    asyncio.run(eventually(lambda: len(server.requests) == 3))
    job = client.delete(f"/jobs/{job_id}").json()
    assert (job["status"], job["result"]) == ("cancelled", None)
    assert job["progress"]["share"] == pytest.approx(2_000 / HOURS, abs=0.01)
    assert stored(tmp_path / "store.db") == closed(candles)[:2_000]
    server.answer = exchange
    exchange.requests.clear()
    assert client.post(f"/jobs/{job_id}/retry").status_code == 202
    (market,) = ended(client, job_id)["result"]["markets"]
    assert (market["added"], market["candles"]) == (HOURS - 1 - 2_000, HOURS - 1)
    assert asked(exchange) == [candles[1_999].timestamp]


def test_market_that_fails_does_not_stop_the_others(client: TestClient, server: StandIn) -> None:
    candles = hours_until(now_ms(), 200)
    server.answer = PastExchange(candles)
    job = download(client, order(candles, symbols=["BTCUSTDUSDT", "BTCUSDT", "BTCUSDT"]))
    assert (job["status"], job["error"]) == ("succeeded", None)
    assert [(market["symbol"], market["added"]) for market in job["result"]["markets"]] == [("BTCUSDT", 199)]
    assert job["result"]["failed"] == {"BTCUSTDUSDT": "binance knows no symbol BTCUSTDUSDT"}


def test_source_that_wants_hours_of_rest_ends_the_job_with_what_there_is(
    client: TestClient, server: StandIn, tmp_path: Path
) -> None:
    candles = hours_until(now_ms(), HOURS)
    exchange = PastExchange(candles)
    busy = Answer(b"{}", 418, {"retry-after": "7200"})
    server.answer = lambda request: busy if len(exchange.requests) == 1 else exchange(request)
    job = download(client, order(candles))
    assert job["status"] == "failed"
    assert job["error"] == (
        "BTCUSDT: binance answered with status 418 and wants to be left alone for 2.0 h; "
        "what was read is stored, and another try goes on there"
    )
    assert stored(tmp_path / "store.db") == closed(candles)[:1_000]


def test_candles_of_another_market_are_not_mixed_with_the_stored_ones(
    client: TestClient, server: StandIn, tmp_path: Path
) -> None:
    candles = hours_until(now_ms(), 200)
    other = [
        candle._replace(**{name: getattr(candle, name) / 2 for name in ("open", "high", "low", "close")})
        for candle in closed(candles)[:50]
    ]
    keep(tmp_path / "store.db", other)
    server.answer = PastExchange(candles)
    job = download(client, order(candles))
    assert job["status"] == "failed"
    assert "a split, or candles of another market or source" in job["error"]
    assert "DELETE /ai/storage/candles/BTCUSDT?timeframe=1h" in job["error"]
    assert stored(tmp_path / "store.db") == other


def test_time_before_so_many_newer_candles_that_the_store_would_drop_it_is_refused(
    client: TestClient, server: StandIn, tmp_path: Path
) -> None:
    candles = hours_until(now_ms(), 4_100)
    newest = closed(candles)[-10:]
    keep(tmp_path / "store.db", newest)
    server.answer = exchange = PastExchange(candles)
    job = download(client, order(candles, until=candles[200].timestamp))
    assert job["status"] == "failed"
    assert "the store keeps the newest 4,000 candles of a series" in job["error"]
    assert exchange.requests == []
    assert stored(tmp_path / "store.db") == newest


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"symbols": []}, "symbols"),
    ({"symbols": ["../BTCUSDT"]}, "symbols"),
    ({"symbols": [f"S{number}USDT" for number in range(21)]}, "symbols"),
    ({"timeframe": "2h"}, "timeframe"),
    ({"since": "yesterday"}, "since"),
    ({"source": "synthetic"}, "source"),
    ({"until": 1_600_000_000_000}, "since has to be at least one candle of 1h before until and before now"),
    ({"since": 4_000_000_000_000}, "since has to be at least one candle of 1h before until and before now"),
    ({"since": 1_500_000_000_000}, "the store keeps the newest 4,000 candles of a series"),
]


def test_parameters_that_do_not_fit_are_refused(client: TestClient, server: StandIn) -> None:
    fitting = order(hours_until(now_ms(), 100))
    for changes, words in REFUSED:
        refused = client.post("/jobs/download_candles", json=fitting | changes)
        assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json"), changes
        assert words in refused.json()["detail"]
    assert client.get("/jobs").json()["jobs"] == []
    assert server.requests == []


def test_download_of_a_service_that_was_stopped_goes_on_after_what_is_stored(
    operate: Operate, server: StandIn, tmp_path: Path
) -> None:
    candles = hours_until(now_ms(), HOURS)
    exchange = PastExchange(candles)
    server.answer = lambda request: Answer(hang=True) if len(exchange.requests) == 2 else exchange(request)
    with operate() as client:
        job_id = queue(client, order(candles))
        asyncio.run(eventually(lambda: len(server.requests) == 3))
    assert stored(tmp_path / "store.db") == closed(candles)[:2_000]
    server.answer = exchange
    exchange.requests.clear()
    with operate() as client:
        job = ended(client, job_id)
    assert (job["status"], job["attempts"]) == ("succeeded", 2)
    (market,) = job["result"]["markets"]
    assert (market["read"], market["added"], market["candles"]) == (HOURS - 2_000, HOURS - 2_001, HOURS - 1)
    assert asked(exchange) == [candles[1_999].timestamp]
    assert stored(tmp_path / "store.db") == closed(candles)
