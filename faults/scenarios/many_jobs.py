"""A thousand jobs, and kill -9 in the middle: each ends once."""

from __future__ import annotations

import json
import sqlite3
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.processes import Server
from faults.equipment.service import ADMIN_TOKEN, PATIENCE_SECONDS, kill, service, wait_until
from faults.scenario import Outcome, require
from storage.document_ports import JOBS

COUNT = 1_000
CLIENTS = 16
# Of analysis.symbols, of which the synthetic source knows candles.
SYMBOLS = "BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"
# Half of the jobs have ended when the service is killed.
KILLED_AFTER = COUNT // 2
LAST_SECONDS = 300.0
SETTINGS = {"JOBS__MAX_QUEUED": str(COUNT), "JOBS__LEASE_SECONDS": "3", "JOBS__LOOK_SECONDS": "1"}


def run(folder: Path) -> Outcome:
    """Queue the jobs, kill the service, and let the next one do the rest."""
    with service(folder, **SETTINGS) as server:
        with ThreadPoolExecutor(CLIENTS) as clients:
            accepted = list(clients.map(partial(_submit, server), range(COUNT)))
        wait_until(lambda: _succeeded(folder) >= KILLED_AFTER, "the end of half of the jobs", LAST_SECONDS)
        kill(server.pid)
    before = {job["job_id"] for job in _jobs(folder) if job["status"] == "succeeded"}
    require(len(before) < COUNT, "every job had ended before the kill")
    with service(folder, **SETTINGS):
        seconds = wait_until(lambda: _succeeded(folder) == COUNT, "the end of every job", LAST_SECONDS)
    found = {job["job_id"]: job for job in _jobs(folder)}
    require(len(set(accepted)) == COUNT, "a job was accepted twice")
    missing = set(accepted) - found.keys()
    odd = [
        job for job in found.values() if job["attempts"] != 1 + job["takeovers"] or len(job["result"]["analyzed"]) != 1
    ]
    require(not odd, f"{len(odd)} jobs did not end once")
    again = Counter(job["takeovers"] for job in found.values())
    require(again[0] + again[1] == COUNT, "a job was taken over twice")
    return Outcome(
        f"{COUNT:,} queued jobs of an analysis each, kill -9 after {len(before):,}",
        f"each succeeded once, {again[1]} of them begun twice; the rest {seconds:.0f} s after the next start",
        f"{len(missing)} of {COUNT:,}",
    )


def _submit(server: Server, number: int) -> str:
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/jobs/bulk_analysis",
        json.dumps({"symbols": [SYMBOLS[number % len(SYMBOLS)]]}).encode(),
        {"content-type": "application/json", "authorization": f"Bearer {ADMIN_TOKEN}"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
        return str(json.load(answer)["job_id"])


def _jobs(folder: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(folder / "store.db")) as file:
        return [json.loads(text) for (text,) in file.execute(f"SELECT document FROM {JOBS.name}")]


def _succeeded(folder: Path) -> int:
    return sum(job["status"] == "succeeded" for job in _jobs(folder))
