"""Keeps the store of a running service within its bounds."""

from __future__ import annotations

import asyncio

from loguru import logger

from domain.errors import StorageUnavailable
from storage.adapter_ports import Store

# A step takes milliseconds; the pause leaves the store to requests.
STEP_PAUSE_SECONDS = 0.25
PASS_PAUSE_SECONDS = 900.0


async def keep_within_bounds(
    store: Store, *, step_pause_seconds: float = STEP_PAUSE_SECONDS, pass_pause_seconds: float = PASS_PAUSE_SECONDS
) -> None:
    """Prune the store, pass after pass, until this is cancelled.

    Args:
        store: Open, or opened later: while it is not available nothing is pruned.
        step_pause_seconds: Between two steps of a pass.
        pass_pause_seconds: Before the first pass and between two; also after a step that failed.
    """
    while True:
        await asyncio.sleep(pass_pause_seconds)
        try:
            await _prune(store, step_pause_seconds)
        except StorageUnavailable:
            pass  # the store's own wrapper logs it, and the next pass comes
        except Exception:  # noqa: BLE001 - a bug; without this loop the store would grow without bound
            logger.exception("pruning the store failed unexpectedly")


async def _prune(store: Store, step_pause_seconds: float) -> None:
    analyses = candles = 0
    while True:
        step = await store.prune()
        analyses += step.analyses
        candles += step.candles
        if step.complete:
            break
        await asyncio.sleep(step_pause_seconds)
    if analyses or candles:
        log = logger.bind(store=store.kind, analyses=analyses, candles=candles)
        log.info("what was too old or too much is removed from the store")
