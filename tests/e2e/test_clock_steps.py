"""The machine's clock is set an hour ahead and back while the service runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx2

from faults.equipment.fake_time import FakeTime
from tests.fixtures.answers import posted
from tests.fixtures.bodies import now_ms, shape_b
from tests.fixtures.patience import PATIENCE_SECONDS, PAUSE_SECONDS
from tests.fixtures.service import running_service

HOUR = 3_600
# A machine that stalls is no fault of the clock.
PATIENT = {
    "STORAGE__TIMEOUT_MS": str(1_000 * PATIENCE_SECONDS),
    "MARKET_DATA__TIMEOUT_SECONDS": str(PATIENCE_SECONDS),
}
SIGNALS = {"symbols": ["SOLUSDT"], "timeframe_data": {}}


def test_a_limit_opens_within_its_minute_and_the_uptime_goes_on(tmp_path: Path) -> None:
    clock = FakeTime(tmp_path)
    environment: dict[str, Any] = {"RATE_LIMITS__DEFAULT_TRUSTED": "3/minute"} | PATIENT | clock.environment
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
        deadline = time.monotonic() + 2 * PATIENCE_SECONDS  # three that failed cost a minute
        while (performance := client.get("/ai/performance")).status_code != 200:
            assert time.monotonic() < deadline, performance.text
            time.sleep(PAUSE_SECONDS)
        assert performance.json()["model_uptime"].startswith("0:0")  # minutes, and no hour


def test_what_was_answered_an_hour_ahead_does_not_answer_once_the_clock_is_back(tmp_path: Path) -> None:
    clock, database = FakeTime(tmp_path), f"sqlite:///{tmp_path}/store.db"
    body = shape_b(seed=5, drift=0.35)
    environment: dict[str, Any] = {"SIGNALS__MIN_CONFIDENCE": "0"} | PATIENT | clock.environment
    with running_service(DATABASE_URL=database, **environment) as service:
        clock.set(HOUR)
        ahead = posted(service, "/ai/analyze", body)
        assert ahead["timestamp"] > now_ms() + 1_000 * HOUR / 2
        assert posted(service, "/ai/analyze", body)["analysis_id"] == ahead["analysis_id"]
        (signal_ahead,) = posted(service, "/ai/signals", SIGNALS)["signals"]
        assert signal_ahead["timestamp"] > now_ms() + 1_000 * HOUR / 2
        clock.set(0)
        back = posted(service, "/ai/analyze", body)
        assert (back["cached"], back["analysis_id"] != ahead["analysis_id"]) == (False, True)
        assert back["timestamp"] <= now_ms()
        again = posted(service, "/ai/analyze", body)
        assert (again["cached"], again["analysis_id"]) == (True, back["analysis_id"])
        (signal_back,) = posted(service, "/ai/signals", SIGNALS)["signals"]
        assert signal_back["timestamp"] <= now_ms()
        clock.set(301)
        later = posted(service, "/ai/analyze", body)
        assert (later["cached"], later["analysis_id"] in {ahead["analysis_id"], back["analysis_id"]}) == (False, False)
    with running_service(DATABASE_URL=database) as service:  # from the store alone
        assert posted(service, "/ai/analyze", body)["timestamp"] <= now_ms()
