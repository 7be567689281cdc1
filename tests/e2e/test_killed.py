"""A service that is killed with SIGKILL: what it has acknowledged is there after the next start."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pymongo import MongoClient

from demo.openai_server import FakeOpenAI
from tests.fixtures.bodies import CLOSED_TRADE, shape_a, shape_b
from tests.fixtures.patience import eventually
from tests.fixtures.service import Service, running_service

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from tests.fixtures.mongod import Mongod

pytest_plugins = ["tests.fixtures.mongod", "tests.fixtures.openai_server"]

FEEDBACK: dict[str, Any] = {
    "symbol": "ETHUSDT",
    "predicted_signal": "Short",
    "actual_outcome": "failure",
    "profit_loss": -1.0,
    "confidence_was_accurate": False,
    "feedback_notes": None,
    "timestamp": 1_767_225_600_000,
}
TOKEN = "operator-" + "x" * 32
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
Count = Callable[[str], int]
Environment = dict[str, Any]  # of texts


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return {
        "DATABASE_URL": f"sqlite:///{tmp_path}/store.db",
        "STORAGE__SPOOL_PATH": f"{tmp_path}/spool",
        "RATE_LIMITS": "off",
        "ADMIN_TOKEN": TOKEN,
    }


def acknowledged(service: Service, path: str, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
    response = service.post(path, json=body, headers=ADMIN)
    assert response.status_code == status, response.text
    found: dict[str, Any] = response.json()
    return found


def tell_everything(service: Service, count: int) -> None:
    for number in range(count):
        acknowledged(service, "/ai/analyze-trade", CLOSED_TRADE | {"trade_id": f"trade-{number}"})
        acknowledged(service, "/ai/feedback", FEEDBACK | {"signal_id": f"signal-{number}"})


def rows(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection, connection:
        found: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
    connection.close()
    return found


def has(count: Count, **wanted: int) -> None:
    asyncio.run(eventually(lambda: {name: count(name) for name in wanted} == wanted))


def spooled_lines(folder: Path, kind: str) -> int:
    return sum(path.read_bytes().count(b"\n") for path in (folder / "spool").glob(f"{kind}-*"))


def test_trades_feedback_and_costs_outlive_a_kill(
    environment: Environment, tmp_path: Path, fake_openai: FakeOpenAI
) -> None:
    llm: Environment = {"OPENAI_BASE_URL": fake_openai.url, "OPENAI_API_KEY": "sk-test", "OPENAI_REQUEST_DELAY": "600"}
    with running_service(**environment, **llm) as service:
        tell_everything(service, 40)
        has(lambda table: rows(tmp_path / "store.db", table), trade_analyses=1)  # the others wait for the key
        service.stop(signal.SIGKILL)
    assert rows(tmp_path / "store.db", "llm_calls") == 1
    assert rows(tmp_path / "store.db", "signal_feedback") == 40
    with running_service(**environment) as service:
        has(lambda table: rows(tmp_path / "store.db", table), trade_analyses=40, trades_to_review=0)
        again = acknowledged(service, "/ai/analyze-trade", CLOSED_TRADE | {"trade_id": "trade-39"})
        assert again["message"] == "the trade was accepted before"
        assert service.get("/ai/performance").json()["feedback"]["predictions_made"] == 40


def test_training_that_was_accepted_is_done_after_a_kill(environment: Environment) -> None:
    environment["JOBS__LEASE_SECONDS"] = "2"
    with running_service(**environment) as service:
        body = {
            "symbol": "BTCUSDT",
            "timeframe": "1h",
            "model_type": "logistic",
            "candles": shape_b(count=400)["timeframe_data"]["1h"],
        }
        job_id = acknowledged(service, "/ai/train", body, 202)["job_id"]
        service.stop(signal.SIGKILL)
    with running_service(**environment) as service:
        asyncio.run(
            eventually(lambda: service.get(f"/jobs/{job_id}", headers=ADMIN).json().get("status") == "succeeded")
        )


def test_analyses_that_a_reader_has_seen_outlive_a_kill(environment: Environment, tmp_path: Path) -> None:
    with running_service(**environment) as service:
        for number in range(20):
            acknowledged(service, "/ai/analyze", shape_a(symbol=f"S{number}USDT"))
        assert service.get("/ai/storage/stats").json()["archived_analyses"] == 20
        service.stop(signal.SIGKILL)
    assert rows(tmp_path / "store.db", "analysis_archive") == 20


@pytest.mark.realserver
def test_what_is_acknowledged_without_a_database_outlives_a_kill(
    environment: Environment, tmp_path: Path, own_mongod: Mongod
) -> None:
    environment["DATABASE_URL"] = url = own_mongod.fresh_url()
    with running_service(**environment) as service:
        tell_everything(service, 10)
        for number in range(10):
            acknowledged(service, "/ai/analyze", shape_a(symbol=f"S{number}USDT"))
        asyncio.run(eventually(lambda: spooled_lines(tmp_path, "analyses") == 10))
        service.stop(signal.SIGKILL)
    own_mongod.start()
    with MongoClient[dict[str, Any]](url) as client, running_service(**environment) as service:
        database = client.get_default_database()
        has(lambda name: database[name].count_documents({}), analysis_archive=10, trade_analyses=10, trades_to_review=0)
        assert service.get("/ai/performance").json()["feedback"]["predictions_made"] == 10
        has(lambda name: database[name].count_documents({}), signal_feedback=10, feedback_to_count=0)
        asyncio.run(eventually(lambda: list((tmp_path / "spool").iterdir()) == []))
