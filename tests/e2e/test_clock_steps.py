"""The machine's clock is set an hour ahead and back while the service runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx2

from faults.equipment.fake_time import FakeTime
from tests.fixtures.bodies import shape_b
from tests.fixtures.patience import PATIENCE_SECONDS, PAUSE_SECONDS
from tests.fixtures.service import running_service

HOUR = 3_600


def test_a_limit_opens_within_its_minute_and_the_uptime_goes_on(tmp_path: Path) -> None:
    clock = FakeTime(tmp_path)
    environment: dict[str, Any] = {"RATE_LIMITS__DEFAULT_TRUSTED": "3/minute", **clock.environment}
    with (
        running_service(**environment) as service,
        httpx2.Client(base_url=service.url, timeout=PATIENCE_SECONDS) as client,
    ):
        before = client.get("/health").json()["timestamp"]
        clock.set(HOUR)
        assert client.get("/health").json()["timestamp"][:13] != before[:13]  # the clock of the service has moved
        assert [client.get("/ai/info").status_code for _ in range(4)] == [200, 200, 200, 429]
        clock.set(-HOUR)
        refused = client.get("/ai/info")
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (performance := client.get("/ai/performance")).status_code != 200:  # its store had no two seconds
            assert time.monotonic() < deadline, performance.text
            time.sleep(PAUSE_SECONDS)
        assert performance.json()["model_uptime"].startswith(("0:00:", "0:01:"))


def test_an_analysis_of_the_hour_ahead_answers_no_request_once_the_clock_is_back(tmp_path: Path) -> None:
    clock = FakeTime(tmp_path)
    body = shape_b(symbol="BTCUSDT")

    def analyze(client: httpx2.Client) -> tuple[str, bool]:
        answer = client.post("/ai/analyze", json=body).json()
        return answer["analysis_id"], answer["cached"]

    environment: dict[str, Any] = clock.environment
    with (
        running_service(**environment) as service,
        httpx2.Client(base_url=service.url, timeout=PATIENCE_SECONDS) as client,
    ):
        clock.set(HOUR)
        ahead = analyze(client)
        clock.set(0)
        now = analyze(client)
        again = analyze(client)
        clock.set(301)
        later = analyze(client)
    assert (ahead[1], now[1], again, later[1]) == (False, False, (now[0], True), False)
    assert len({ahead[0], now[0], later[0]}) == 3
