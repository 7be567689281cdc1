"""The service with the rights that the compose file leaves it: it works, and writes nowhere but into its volume."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import yaml

from domain.market import Timeframe
from tests.conftest import admin_headers
from tests.fixtures.bodies import base_path, shape_a, wire_candles
from tests.fixtures.confined import confined_service
from tests.fixtures.patience import PAUSE_SECONDS
from tests.fixtures.service import ROOT, Service

SERVICE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["service"]


def job_done(service: Service, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Queue a job and return it once it has ended."""
    queued = service.post(path, json=body, headers=admin_headers())
    assert queued.status_code == 202, queued.text
    while True:
        job: dict[str, Any] = service.get(f"/jobs/{queued.json()['job_id']}", headers=admin_headers()).json()
        if job["status"] not in {"queued", "running"}:
            return job
        time.sleep(PAUSE_SECONDS)


def test_it_answers_and_trains_with_nothing_to_write_to_but_its_volume_and_tmp(tmp_path: Path) -> None:
    assert (SERVICE["read_only"], SERVICE["cap_drop"]) == (True, ["ALL"])
    (temporary,) = SERVICE["tmpfs"]
    where, options = temporary.split(":")
    assert where == "/tmp"  # noqa: S108 (where Docker mounts it)
    candles = wire_candles(base_path(count=3000).resample(Timeframe.H1), 400)
    options += ",noexec,nosuid,nodev"  # as Docker does
    with confined_service(tmp_path, options, MARKET_DATA_SOURCES="stored,synthetic") as service:
        assert service.post("/ai/analyze", json=shape_a()).status_code == 200
        asked = {"symbol": "BTCUSDT", "timeframe": "1h", "model_type": "logistic", "candles": candles}
        assert job_done(service, "/ai/train", asked)["status"] == "succeeded"
        # works on a database among the temporary files
        assert job_done(service, "/jobs/drill", {"days": 2, "symbols": 2})["status"] == "succeeded"
        assert service.get("/health").json()["degraded"] == []
        status, _ = service.stop()
    assert (status, "Read-only file system" in service.output) == (0, False)
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"trading_ai.db", "models", "spool"}
