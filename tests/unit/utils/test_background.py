"""A loop in the background ends with its block, whatever becomes of the first cancellation."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from utils import concurrency
from utils.concurrency import background

pytest_plugins = ["tests.fixtures.logs"]


async def test_loop_whose_library_swallows_a_cancellation_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "CANCEL_AGAIN_SECONDS", 0.01)
    begun = asyncio.Event()
    swallowed = 0

    async def loop() -> None:
        nonlocal swallowed
        for _ in range(3):
            with suppress(asyncio.CancelledError):
                begun.set()
                await asyncio.Event().wait()
            swallowed += 1
        await asyncio.Event().wait()

    async with background(loop()):
        await begun.wait()
    assert swallowed == 3


async def test_failure_of_a_loop_is_logged_at_once_and_raised_at_the_end_of_its_block(log_lines: list[str]) -> None:
    logged = list[str]()

    async def loop() -> None:
        raise ValueError("broken")

    async def run() -> None:
        async with background(loop(), "upkeep"):
            for _ in range(3):
                await asyncio.sleep(0)
            logged.extend(log_lines)

    with pytest.raises(ValueError, match="broken"):
        await run()
    assert [line.split("\n")[0] for line in logged] == ["ERROR a loop in the background has ended with an error"]
