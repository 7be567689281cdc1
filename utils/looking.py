"""Loops that look for work again and again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NoReturn

from loguru import logger

from domain.errors import StorageUnavailable


async def look_again(
    look: Callable[[], Awaitable[object]], pause: Callable[[], Awaitable[object]], what: str
) -> NoReturn:
    """Look, and again after each pause, until canceled; neither a store that is down nor a defect ends the loop.

    Args:
        look: Does what is due.
        pause: Waits until the next look.
        what: The work, for the log, such as "checking models for drift"; a store that is down is logged once.
    """
    waiting = False
    while True:
        try:
            await look()
            waiting = False
        except StorageUnavailable as failure:
            if not waiting:
                logger.bind(reason=failure.message).info(f"{what} waits for the store")
            waiting = True
        except Exception:  # noqa: BLE001 - a defect must not end the loop
            logger.exception(f"{what} failed unexpectedly")
        await pause()
