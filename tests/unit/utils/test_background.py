"""A loop in the background ends with its block, whatever becomes of the first cancellation."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from utils import concurrency
from utils.concurrency import background


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


async def test_failure_of_a_loop_is_raised_at_the_end_of_its_block() -> None:
    async def loop() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        async with background(loop()):
            await asyncio.sleep(0)
