"""A real process whose clock goes ahead by an hour and back: nothing of that hour answers afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.fixtures.bodies import now_ms, shape_b
from tests.fixtures.service import Service, running_service

HOUR_MS = 3_600_000
SIGNALS = {"symbols": ["SOLUSDT"], "timeframe_data": {}}


def post(service: Service, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = service.post(path, json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_what_was_answered_an_hour_ahead_does_not_answer_once_the_clock_is_back(tmp_path: Path) -> None:
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    offset = tmp_path / "offset"
    offset.write_text("+1h")
    database = f"sqlite:///{tmp_path}/store.db"
    body = shape_b(seed=5, drift=0.35)
    with running_service(
        DATABASE_URL=database,
        SIGNALS__MIN_CONFIDENCE="0",
        LD_PRELOAD=str(library),
        FAKETIME_TIMESTAMP_FILE=str(offset),
        FAKETIME_NO_CACHE="1",
        # As a machine whose clock is set: seconds since its start go on.
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    ) as service:
        ahead = post(service, "/ai/analyze", body)
        assert ahead["timestamp"] > now_ms() + HOUR_MS / 2
        assert post(service, "/ai/analyze", body)["analysis_id"] == ahead["analysis_id"]
        (signal_ahead,) = post(service, "/ai/signals", SIGNALS)["signals"]
        assert signal_ahead["timestamp"] > now_ms() + HOUR_MS / 2
        offset.write_text("+0")
        back = post(service, "/ai/analyze", body)
        assert (back["cached"], back["analysis_id"] != ahead["analysis_id"]) == (False, True)
        assert back["timestamp"] <= now_ms()
        assert post(service, "/ai/analyze", body)["analysis_id"] == back["analysis_id"]
        (signal_back,) = post(service, "/ai/signals", SIGNALS)["signals"]
        assert signal_back["timestamp"] <= now_ms()
    with running_service(DATABASE_URL=database) as service:  # from the store alone
        assert post(service, "/ai/analyze", body)["timestamp"] <= now_ms()
