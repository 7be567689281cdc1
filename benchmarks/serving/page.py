"""The page with 200 symbols that change 20 times a second: first paint, frames, and memory over five minutes."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import CDPSession, Page, sync_playwright

from benchmarks.processes import serve
from benchmarks.report import Row, verdict
from benchmarks.serving.analyze import body
from domain.market import Timeframe
from rules.strategies import STRATEGY_NAMES

SYMBOLS = 200
PER_SECOND = 20.0
# The first minute fills caches, also of the browser.
WARM_UP_SECONDS = 60.0
SECONDS = 300.0
CHROMIUM = "/usr/bin/chromium-headless-shell"
_COUNT_FRAMES = """
() => { window.frames = 0; window.began = performance.now();
        const next = () => { window.frames += 1; requestAnimationFrame(next); }; requestAnimationFrame(next); }
"""
_FIRST_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"


def measure() -> list[Row]:
    """Return the first paint, frames per second, and the memory of the page's scripts before and after, in MB."""
    with serve("main.py") as server, sync_playwright() as playwright:
        bodies = [_market(f"S{number:03}USDT", number) for number in range(SYMBOLS)]
        for body in bodies:
            _post(server.port, body)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"http://127.0.0.1:{server.port}/")
        # The policy of the page forbids scripts that a text is made into, as waiting for an expression would.
        page.locator(".card").nth(SYMBOLS - 1).wait_for(state="attached")
        painted: float = page.evaluate(_FIRST_PAINT)
        devtools = page.context.new_cdp_session(page)
        with _changing(server.port, bodies) as sent:
            page.wait_for_timeout(1000 * WARM_UP_SECONDS)
            before, first = _heap_mb(devtools), sent[0]
            page.evaluate(_COUNT_FRAMES)
            page.wait_for_timeout(1000 * SECONDS)
            frames = _frames_per_second(page)
            changes = (sent[0] - first) / SECONDS
            after = _heap_mb(devtools)
        browser.close()
    return [
        {
            "symbols": str(SYMBOLS),
            "changes per second": changes,
            "first paint, ms": painted,
            "frames per second": frames,
            "memory before, MB": before,
            "memory after, MB": after,
        }
    ]


def targets(rows: Sequence[Row]) -> list[Row]:
    """Return frames and growth of memory with their targets."""
    (row,) = rows
    growth = float(row["memory after, MB"]) / float(row["memory before, MB"])
    return [
        verdict("frames per second of the page, 200 symbols", float(row["frames per second"]), 30.0, at_least=True),
        verdict("memory of the page after five minutes, times before", growth, 1.1),
    ]


def _market(symbol: str, seed: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(body(symbol, {Timeframe.H1: 100}, seed))
    return found


def _post(port: int, market: dict[str, Any]) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/ai/analyze", json.dumps(market).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


@contextmanager
def _changing(port: int, bodies: Sequence[dict[str, Any]]) -> Iterator[list[int]]:
    """Post the next market again and again; yield how many were posted, in a list of one."""
    sent, ended = [0], threading.Event()

    def post() -> None:
        begun = time.monotonic()
        while not ended.is_set():
            market = bodies[sent[0] % len(bodies)]
            # Other strategies make it another question, so its answer is a fresh one.
            chosen = 1 + sent[0] // len(bodies)
            strategies = [name for bit, name in enumerate(STRATEGY_NAMES) if chosen >> bit & 1]
            market["strategy_context"] = {"selected_strategies": strategies}
            _post(port, market)
            sent[0] += 1
            ended.wait(max(0.0, begun + sent[0] / PER_SECOND - time.monotonic()))

    thread = threading.Thread(target=post, daemon=True)
    thread.start()
    try:
        yield sent
    finally:
        ended.set()
        thread.join()


def _frames_per_second(page: Page) -> float:
    rate: float = page.evaluate("() => 1000 * window.frames / (performance.now() - window.began)")
    return rate


def _heap_mb(devtools: CDPSession) -> float:
    devtools.send("HeapProfiler.collectGarbage")
    used: float = devtools.send("Runtime.getHeapUsage")["usedSize"]
    return used / 1e6
