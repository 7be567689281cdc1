"""The machine's clock goes an hour ahead and back."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.processes import Server
from benchmarks.serving.analyze import body
from domain.market import Timeframe
from faults.equipment.fake_time import LIBRARY, FakeTime
from faults.equipment.service import get, service
from faults.scenario import NotTried, Outcome, require

HOUR_SECONDS = 3_600
# Answers a minute; the next one is refused.
LIMIT = 3


def run(folder: Path) -> Outcome:
    """Set the clock under the service, and look for what an hour of the future leaves behind."""
    if not list(Path("/usr/lib").glob(f"*-linux-gnu/{LIBRARY}")):
        raise NotTried("needs libfaketime")
    clock = FakeTime(folder)
    limits = {"RATE_LIMITS": "on", "RATE_LIMITS__DEFAULT_TRUSTED": f"{LIMIT}/minute"}
    with service(folder, **limits, **clock.environment) as server:
        request = body("BTCUSDT", {Timeframe.H1: 100})
        clock.set(HOUR_SECONDS)
        ahead = _analyze(server, request)
        for _ in range(LIMIT):
            get(server, "/ai/info")
        clock.set(0)
        now = _analyze(server, request)
        age_seconds = time.time() - now["generated_at"] / 1000
        again = _analyze(server, request)
        retry_after = _refused(server)
    require(not now["cached"] and now["analysis_id"] != ahead["analysis_id"], "an analysis of the future was answered")
    require(again["cached"], "nothing is cached any more after the clock was set back")
    require(0 <= age_seconds < 60, f"an analysis was {age_seconds:.0f} s old when it was made")
    require(0 < retry_after <= 60, f"Retry-After was {retry_after} s for a limit of a minute")
    return Outcome(
        "clock set 1 h ahead and back",
        f"nothing of the future answers; cached ones do; Retry-After {retry_after} s of at most 60",
    )


def _analyze(server: Server, request: bytes) -> dict[str, Any]:
    url, headers = f"http://127.0.0.1:{server.port}/ai/analyze", {"content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, request, headers), timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def _refused(server: Server) -> int:
    """Return what a request over the limit is told."""
    try:
        get(server, "/ai/info")
    except urllib.error.HTTPError as refusal:
        with refusal:
            return int(refusal.headers["retry-after"])
    return 0
