"""Waiting for a key: for the periodic loop alone, which has time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.llm.client import LlmClient


async def wait_for_a_key(
    client: LlmClient, most_seconds: float, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
) -> None:
    """Return when a key is ready, or at once when none will be within `most_seconds`."""
    seconds = client.ready_in_seconds()
    if seconds is not None and 0 < seconds <= most_seconds:
        await sleep(seconds)
