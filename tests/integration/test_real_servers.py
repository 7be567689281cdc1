"""The servers of tests and developers: what they acknowledge survives a crash, and they are reached from here alone."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from kombu import Connection, Queue
from pymongo import MongoClient

from tests.conftest import MakeClient
from tests.fixtures.containers import container_of
from tests.fixtures.patience import COMMAND_SECONDS, PATIENCE_SECONDS
from tests.fixtures.real_servers import require

if TYPE_CHECKING:
    from tests.fixtures.rabbitmq import RabbitMq
    from tests.fixtures.redis_server import RedisServer

pytest_plugins = ["tests.fixtures.rabbitmq", "tests.fixtures.redis_server"]
pytestmark = [pytest.mark.realserver, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]


def test_a_durable_message_survives_a_crash_of_the_broker(rabbitmq: RabbitMq, broker_url: str) -> None:
    with Connection(broker_url, transport_options={"confirm_publish": True}) as connection:
        connection.SimpleQueue("jobs").put({"job_id": "j1"})

    rabbitmq.kill()
    assert not rabbitmq.running
    rabbitmq.start()

    with Connection(broker_url) as connection:
        message = connection.SimpleQueue("jobs").get(timeout=PATIENCE_SECONDS)
        assert message.payload == {"job_id": "j1"}
        message.ack()


def test_a_virtual_host_has_no_queues_of_another(rabbitmq: RabbitMq, broker_url: str) -> None:
    with Connection(broker_url) as connection:
        connection.SimpleQueue("jobs").put("taken by nobody else")
    with Connection(rabbitmq.fresh_url()) as connection:
        assert Queue("jobs", channel=connection.channel()).queue_declare().message_count == 0


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the kernel does not list its sockets")
def test_the_broker_listens_on_loopback_alone(rabbitmq: RabbitMq) -> None:
    assert len(_listening(rabbitmq.pids)) == 4  # clients, other nodes, and epmd in IPv4 and IPv6
    assert set(_listening(rabbitmq.pids)) <= {"0100007F", "00000000000000000000000001000000"}


def test_a_key_survives_a_crash_and_a_restart_of_redis(redis_server: RedisServer, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set("progress", "0.5")
        redis_server.kill()
        redis_server.start()
        assert client.get("progress") == b"0.5"
        redis_server.restart()
        assert client.get("progress") == b"0.5"


def test_redis_listens_on_loopback_alone(redis_server: RedisServer) -> None:
    assert _listening(redis_server.pids) == ["0100007F"]


def test_a_health_report_tells_whether_broker_and_redis_answer_and_shows_no_password(
    rabbitmq: RabbitMq, broker_url: str, redis_server: RedisServer, redis_url: str, make_client: MakeClient
) -> None:
    client = make_client(
        redis={"url": redis_url.replace("//", "//default:secret-of-redis@")},
        jobs={"backend": "celery", "rabbitmq_url": broker_url.replace("guest:guest@", "guest:secret-of-the-broker@")},
        reports={"peer_timeout_seconds": 2},
    )
    servers = rabbitmq, redis_server

    def looked() -> tuple[dict[str, str | None], set[str]]:
        """Return why each does not answer, and the subjects of the warnings."""
        assert client.portal is not None
        made = client.portal.call(container_of(client).reports.health)
        text = client.get(f"/ai/reports/{made.report_id}").raise_for_status().text
        assert "secret" not in text
        report = json.loads(text)
        subjects = {finding["subject"] for finding in report["findings"]}
        assert all(peer["reachable"] is (peer["reason"] is None) for peer in report["figures"]["peers"])
        return {peer["name"]: peer["reason"] for peer in report["figures"]["peers"]}, subjects

    assert looked()[0] == {"redis": None, "broker": None}
    for server in servers:
        server.send(signal.SIGSTOP)
    reasons, subjects = looked()
    assert reasons == dict.fromkeys(("redis", "broker"), "did not answer in 2 s")
    assert {"redis", "broker"} <= subjects
    for server in servers:
        server.send(signal.SIGCONT)
        server.kill()
    reasons, subjects = looked()
    assert reasons == dict.fromkeys(("redis", "broker"), "cannot be reached")
    assert {"redis", "broker"} <= subjects
    for server in servers:
        server.start()
    assert looked()[0] == {"redis": None, "broker": None}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Return a folder for `scripts/services.sh`, whose servers are ended with the test."""
    from servers.kept import SERVERS

    for server_class in SERVERS.values():
        require(server_class)
    yield tmp_path
    _services("stop", tmp_path)


def test_services_for_developers_run_until_they_are_stopped(folder: Path) -> None:
    started = _services("start", folder)
    assert started.returncode == 0, started.stderr
    urls = dict(re.findall(r"^export (\w+)=(\S+)$", started.stdout, re.MULTILINE))
    assert set(urls) == {"REDIS_URL", "RABBITMQ_URL", "DATABASE_URL"}
    with redis.Redis.from_url(urls["REDIS_URL"]) as client:
        client.set("a key", "kept")
    with Connection(urls["RABBITMQ_URL"]) as connection:
        connection.SimpleQueue("jobs").put("kept")
    with MongoClient[dict[str, object]](urls["DATABASE_URL"]) as documents:
        documents.get_default_database().kept.insert_one({"kept": True})

    status = _services("status", folder)
    assert (status.returncode, len(re.findall("runs as process", status.stdout))) == (0, 3)
    assert _services("start", folder).stdout == started.stdout  # what runs is left alone

    pids = [int(pid) for pid in re.findall(r"process (\d+)", status.stdout)]
    assert _services("stop", folder).stdout == "stopped: redis, rabbitmq, mongod\n"
    assert not any(_alive(pid) for pid in pids)
    assert _services("status", folder).returncode == 3
    assert _services("stop", folder).stdout == "stopped: nothing, none ran\n"

    assert _services("start", folder).stdout == started.stdout  # the same ports
    with redis.Redis.from_url(urls["REDIS_URL"]) as client:
        assert client.get("a key") == b"kept"
    with Connection(urls["RABBITMQ_URL"]) as connection:
        assert connection.SimpleQueue("jobs").get(timeout=PATIENCE_SECONDS).payload == "kept"
    with MongoClient[dict[str, object]](urls["DATABASE_URL"]) as documents:
        assert documents.get_default_database().kept.count_documents({}) == 1


def test_a_process_that_got_the_pid_of_an_ended_server_is_left_alone(tmp_path: Path) -> None:
    other = subprocess.Popen(["sleep", str(COMMAND_SECONDS)])
    try:
        (tmp_path / "servers.json").write_text(
            f'{{"REDIS_URL": {{"url": "redis://127.0.0.1:1/0", "port": 1, "processes": [[{other.pid}, 1]]}}}}'
        )
        assert "redis: does not run" in _services("status", tmp_path).stdout
        assert _services("stop", tmp_path).stdout == "stopped: nothing, none ran\n"
        assert other.poll() is None
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait(PATIENCE_SECONDS)


def _services(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts" / "services.sh", command, folder],
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _listening(pids: list[int]) -> list[str]:
    """Return the addresses on which these processes listen, in the kernel's hexadecimal form."""
    open_files = [path for pid in pids for path in Path(f"/proc/{pid}/fd").iterdir()]
    sockets = {target[8:-1] for path in open_files if (target := os.readlink(path)).startswith("socket:[")}
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    listen = "0A"
    return [row[1].split(":")[0] for row in rows if row[3] == listen and row[9] in sockets]
