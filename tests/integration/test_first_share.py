"""The first share that a process meets holds up no other request."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = """
import asyncio, json, sys, threading
from datetime import datetime, timedelta, UTC

loading = []

class Watcher:
    def find_spec(self, name, path=None, target=None):
        if name == "holidays":
            loading.append(threading.current_thread() is threading.main_thread())

import httpx2
from main import app

assert "holidays" not in sys.modules
sys.meta_path.insert(0, Watcher())
monday = datetime(2022, 3, 7, 14, 30, tzinfo=UTC)
opens = [monday + timedelta(days=day, hours=hour) for day in range(4) for hour in range(7)]
candles = [
    {"timestamp": int(at.timestamp() * 1000), **dict(open=10, high=11, low=9, close=10, volume=1)} for at in opens
]
body = {"symbol": "AAPL", "timeframe_data": {"1h": candles}, "current_price": 10, "volume_24h": 1,
        "timestamp": candles[-1]["timestamp"], "strategy_context": {}}

async def ask():
    async with app.router.lifespan_context(app):
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost") as client:
            return await client.post("/ai/analyze", json=body)

answer = asyncio.run(ask())
print(answer.status_code, loading)
"""


def test_the_holidays_of_the_first_share_are_loaded_off_the_event_loop(tmp_path: Path) -> None:
    environment = {"PATH": "", "DATABASE_URL": f"sqlite:///{tmp_path}/data.db", "PERIODIC_ANALYSIS": "false"}
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    # Too few candles for an analysis, but their sessions had to be known to count them.
    assert done.stdout.splitlines()[-1] == "400 [False]"
