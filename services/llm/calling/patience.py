"""Waiting for a key, for the periodic loop and the reviews of trades; requests never wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.llm.calling.client import LlmClient


async def wait_for_a_key(
    client: LlmClient | None, most_seconds: float, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
) -> None:
    """Return when a key is ready, or at once when none will be within `most_seconds`, or there is no LLM."""
    if client is not None:
        await client.turns.look()
    seconds = client.ready_in_seconds() if client else None
    if seconds is not None and 0 < seconds <= most_seconds:
        await sleep(seconds)
