"""Two service processes on one MongoDB and one Redis: what happens at one is known to the other."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from websockets.sync.client import ClientConnection, connect

from config.server_settings import RedisSettings
from demo.openai_server import FakeOpenAI
from models.registry.registry import Registry
from servers.mongod import Mongod
from servers.redis_server import RedisServer
from services.broadcast.hub import SignalHub
from services.evidence.file import SHIPPED, read_evidence
from services.replicas.hints import Hint
from services.replicas.opening import open_replicas
from storage.document_ports import EVIDENCE_REFITS
from tests.conftest import admin_headers
from tests.fixtures.answers import analyzed, posted
from tests.fixtures.bodies import shape_a, shape_b
from tests.fixtures.evidence import adopted_refit
from tests.fixtures.guards import documents_on
from tests.fixtures.models import NOON, add_model
from tests.fixtures.patience import PATIENCE_SECONDS, PAUSE_SECONDS
from tests.fixtures.real_servers import running
from tests.fixtures.service import Service, running_service
from tests.fixtures.settings import configured

pytest_plugins = ["tests.fixtures.mongod", "tests.fixtures.redis_server", "tests.fixtures.openai_server"]
pytestmark = pytest.mark.realserver

# Nothing that is seen in these tests is seen by looking again after this time.
FAR_SECONDS = "3600"
# No other test of limits that are shared over Redis has this address.
STRANGER = {"x-forwarded-for": "203.0.113.77"}
UP = 0.35


class Pair(NamedTuple):
    """Two replicas, their folder of models, and the variables that both have."""

    one: Service
    other: Service
    models: Path
    shared: dict[str, str]


def environment(mongod: Mongod, redis_url: str, folder: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": mongod.fresh_url(),
        "REDIS_URL": redis_url,
        "REDIS__PREFIX": folder.name,
        # No stall of a shared machine counts as a Redis that does not answer.
        "REDIS__TIMEOUT_MS": "10000",
        "MODEL_SAVE_PATH": str(folder / "models"),
        "MODELS__SERVING__RELOAD_SECONDS": FAR_SECONDS,
        "GUARDS__HYSTERESIS": "0",
        # Strangers are addresses of their own: together they ask more often than one may, until the other knows.
        "TRUSTED_PROXIES": "127.0.0.1",
    }


def replica(environment: dict[str, str]) -> AbstractContextManager[Service]:
    return running_service(port=None, **environment)


@pytest.fixture(scope="module")
def pair(mongod: Mongod, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Return two replicas that the tests of this file share."""
    folder = tmp_path_factory.mktemp("replicas")
    registry = Registry(folder / "models")
    registry.promote(add_model(registry).version, by="gate", reason="better", at=NOON)
    shared = environment(mongod, redis_server.fresh_url(), folder)
    with replica(shared) as one, replica(shared) as other:
        yield Pair(one, other, folder / "models", shared)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(PAUSE_SECONDS)


def health(service: Service) -> dict[str, Any]:
    answer = service.get("/health").json()
    assert isinstance(answer, dict)
    return answer


def misses_redis(service: Service) -> bool:
    return "redis" in health(service)["degraded"]


def has_redis(service: Service) -> bool:
    return not misses_redis(service)


def event(socket: ClientConnection) -> dict[str, Any]:
    message = json.loads(socket.recv(timeout=PATIENCE_SECONDS))
    assert isinstance(message, dict)
    return message


def data_of(socket: ClientConnection, kind: str) -> Any:
    """Return the data of the next event of a kind; what the schedule's jobs do is told on the same socket."""
    while (heard := event(socket))["type"] != kind:
        assert heard["type"] == "JobProgress"
    return heard["data"]


def listening(stack: ExitStack, *services: Service) -> list[ClientConnection]:
    """Return a socket of each service, after its welcome."""
    sockets = [stack.enter_context(connect(service.socket_url)) for service in services]
    for socket in sockets:
        assert event(socket)["type"] == "connection"
    return sockets


def analyze(service: Service, symbol: str, seed: int = 5) -> dict[str, Any]:
    return analyzed(service, shape_a(seed=seed, drift=UP, symbol=symbol))


def test_a_signal_posted_to_one_reaches_the_sockets_of_both_exactly_once(pair: Pair) -> None:
    with ExitStack() as stack:
        sockets = listening(stack, pair.one, pair.other)
        for service, symbol in ((pair.one, "BTCUSDT"), (pair.other, "ETHUSDT"), (pair.one, "SOLUSDT")):
            analyze(service, symbol)
            for socket in sockets:
                assert data_of(socket, "AISignalReceived")["symbol"] == symbol


def test_a_switch_of_safe_mode_is_told_once_by_each(pair: Pair) -> None:
    with ExitStack() as stack:
        sockets = listening(stack, pair.one, pair.other)
        for service, enabled in ((pair.one, True), (pair.other, False)):
            body = {"enabled": enabled, "reason": "wrong prices"}
            assert service.post("/ai/safe-mode", json=body, headers=admin_headers()).status_code == 200
            for socket in sockets:
                assert data_of(socket, "SafeModeChanged")["enabled"] == enabled
            for seen in (pair.one, pair.other):
                assert seen.get("/ai/safe-mode").json()["enabled"] is enabled


def test_a_strategy_that_is_disabled_at_one_takes_no_part_at_the_other(pair: Pair) -> None:
    def disabled(service: Service) -> list[str]:
        names: list[str] = service.get("/ai/disabled").json()["disabled"]
        return names

    with ExitStack() as stack:
        sockets = listening(stack, pair.one, pair.other)
        for service, names in ((pair.one, ["MACD Strategy"]), (pair.other, [])):
            body = {"disabled": bool(names), "reason": "it loses"}
            path = "/ai/disabled/MACD Strategy"
            assert service.post(path, json=body, headers=admin_headers()).status_code == 200
            for socket in sockets:
                assert data_of(socket, "DisabledChanged")["disabled"] == bool(names)
            for number, seen in enumerate((pair.one, pair.other)):
                assert disabled(seen) == names
                answer = analyze(seen, "BNBUSDT", seed=300 + 2 * len(names) + number)
                assert ("MACD Strategy" in answer["strategy_scores"]) is not bool(names)
                assert event(sockets[0])["type"] == event(sockets[1])["type"] == "AISignalReceived"


def test_a_side_that_is_given_at_one_holds_back_the_opposite_at_the_other(pair: Pair) -> None:
    strangers, seeds = count(1), count(500)

    def refused_by(service: Service, symbol: str, drift: float) -> list[str]:
        """Return the guards that refuse a side to a stranger, whose answers change nothing that is remembered."""
        body = shape_b("4h", seed=next(seeds), drift=drift, symbol=symbol)
        stranger = {"x-forwarded-for": f"198.51.100.{next(strangers)}"}
        answer = posted(service, "/ai/analyze", body, **stranger)
        return [gate["name"] for gate in answer["gates"] if not gate["passed"]]

    def held_back(service: Service, symbol: str, drift: float) -> bool:
        return refused_by(service, symbol, drift) == ["cooldown"]

    for giving, other, symbol, drift in (
        (pair.one, pair.other, "LTCUSDT", UP),
        (pair.other, pair.one, "XRPUSDT", -UP),
    ):
        assert refused_by(other, symbol, -drift) == []
        given = giving.post("/ai/analyze", json=shape_b("4h", seed=5, drift=drift, symbol=symbol)).json()
        assert given["signal"] in {"STRONG_BUY", "BUY", "STRONG_SELL", "SELL"}
        until(partial(held_back, other, symbol, -drift))
        assert refused_by(other, symbol, drift) == []


async def test_evidence_that_another_replica_adopts_is_in_use_at_both(pair: Pair) -> None:
    (before, *_) = pair.one.get("/ai/evidence").json()["records"]
    shipped = read_evidence(SHIPPED)
    assert shipped is not None
    refit = adopted_refit(shipped, round(before["weight"] / 2, 6))
    redis = configured(RedisSettings, url=pair.shared["REDIS_URL"], prefix=pair.shared["REDIS__PREFIX"])

    def weighs(weight: float) -> Callable[[], bool]:
        services = pair.one, pair.other
        return lambda: all(service.get("/ai/evidence").json()["records"][0]["weight"] == weight for service in services)

    async with documents_on(pair.shared["DATABASE_URL"]) as documents, open_replicas(redis, SignalHub(1)) as third:
        await documents.put(EVIDENCE_REFITS, refit["refit_id"], refit)
        third.hints.tell(Hint.EVIDENCE)
        await asyncio.to_thread(until, weighs(refit["weight"]))
        await documents.discard(EVIDENCE_REFITS, [refit["refit_id"]])
        third.hints.tell(Hint.EVIDENCE)
        await asyncio.to_thread(until, weighs(before["weight"]))


def test_a_promotion_at_one_is_seen_by_the_other(pair: Pair) -> None:
    version = add_model(Registry(pair.models), created_at=NOON.replace(hour=13)).version
    assert version not in health(pair.other)["models"].values()
    path = f"/ai/models/{version}/promote"
    response = pair.one.post(path, json={"reason": "it is newer"}, headers=admin_headers())
    assert response.status_code == 200, response.text
    seeds = count(100)

    def serves(service: Service) -> bool:
        analyze(service, "BTCUSDT", seed=next(seeds))  # the first analysis afterwards exchanges the model
        return version in health(service)["models"].values()

    for service in pair.one, pair.other:
        until(partial(serves, service))


def test_a_stranger_has_one_limit_at_both(pair: Pair) -> None:
    def ask(service: Service) -> httpx2.Response:
        return service.post("/ai/analyze", json={"bad": "body"}, headers=STRANGER)

    # Other tests of this minute may have taken a part of the ten.
    answers = [ask(pair.one) for _ in range(11)]
    assert {answer.status_code for answer in answers[:-1]} <= {422, 429}
    for refusal in answers[-1], ask(pair.other):
        assert refusal.status_code == 429
        assert 1 <= int(refusal.headers["retry-after"]) <= 60


def test_candles_that_were_forgotten_at_one_may_be_posted_to_the_other(pair: Pair) -> None:
    seeds = count(20)

    def is_kept(factor: int) -> bool:
        body = shape_a(seed=next(seeds), symbol="DOTUSDT")
        for candles in body["timeframe_data"].values():
            for candle in candles:
                candle.update({name: candle[name] * factor for name in ("open", "high", "low", "close")})
        body["current_price"] *= factor
        return "they are not kept" not in pair.other.post("/ai/analyze", json=body).json()["reasoning"]

    assert is_kept(1)
    assert not is_kept(9)
    # It reads the store, and so waits until the candles are there: one that is written later would be posted anew.
    assert pair.other.get("/ai/storage/stats").status_code == 200
    path = f"{pair.one.url}/ai/storage/candles/DOTUSDT"
    assert httpx2.delete(path, headers=admin_headers(), timeout=PATIENCE_SECONDS).status_code == 200
    until(lambda: is_kept(9))


def test_a_key_of_the_llm_is_spaced_over_both(
    fake_openai: FakeOpenAI, mongod: Mongod, redis_url: str, tmp_path: Path
) -> None:
    llm = {
        "OPENAI_API_KEY": "sk-one-key-of-both",
        "OPENAI_BASE_URL": fake_openai.url,
        "OPENAI_REQUEST_DELAY": FAR_SECONDS,
        "LLM__BUDGETS__DAILY_STOP_USD": "5",
    }
    shared = environment(mongod, redis_url, tmp_path) | llm
    with replica(shared) as one, replica(shared) as other:
        asked, refused = analyze(one, "BTCUSDT"), analyze(other, "ETHUSDT", seed=9)
        assert asked["source"] == "llm"
        assert len(fake_openai.asked) == 1
        assert refused["source"] == "technical"
        (state,) = other.get("/ai/cost/statistics", headers=admin_headers()).json()["keys"]
        assert state["status"] == "spacing"
        assert state["calls"] == 0


@pytest.mark.slow
def test_one_runs_the_loop_and_is_replaced_when_it_is_killed(mongod: Mongod, redis_url: str, tmp_path: Path) -> None:
    shared = environment(mongod, redis_url, tmp_path) | {
        "PERIODIC_ANALYSIS": "true",
        "PERIODIC__LEASE_SECONDS": "2",
        "PERIODIC__PAUSE_SECONDS": "0",
        "ANALYSIS_INTERVAL_MINUTES": "0.01",
        "ANALYSIS_SYMBOLS": "BTCUSDT",
        "MARKET_DATA_SOURCES": "synthetic",
    }
    with replica(shared) as one:
        until(lambda: health(one)["last_cycle"] is not None)
        with replica(shared) as other, connect(other.socket_url) as socket:
            assert event(socket)["type"] == "connection"
            for _ in range(3):  # cycles of the holder
                assert event(socket)["type"] == "AISignalReceived"
            assert health(other)["last_cycle"] is None
            one.stop(signal.SIGKILL)
            until(lambda: health(other)["last_cycle"] is not None)


@pytest.mark.slow
def test_both_go_on_while_redis_is_lost_and_are_whole_again_afterwards(mongod: Mongod, tmp_path: Path) -> None:
    with running(RedisServer(tmp_path / "redis")) as redis:
        shared = environment(mongod, redis.url, tmp_path)
        with replica(shared) as one, replica(shared) as other, ExitStack() as stack:
            sockets = listening(stack, one, other)
            redis.kill()
            for service in one, other:
                until(partial(misses_redis, service))
            for service, socket, symbol in ((one, sockets[0], "BTCUSDT"), (other, sockets[1], "ETHUSDT")):
                analyze(service, symbol)
                assert event(socket)["data"]["symbol"] == symbol
                assert service.get("/readyz").status_code == 200
            redis.start()
            for service in one, other:
                until(partial(has_redis, service))
            analyze(one, "SOLUSDT")
            assert [event(socket)["data"]["symbol"] for socket in sockets] == ["SOLUSDT", "SOLUSDT"]
            for service in one, other:
                assert service.output.count("Redis is lost") == 1
                assert service.output.count("Redis is back") == 1
