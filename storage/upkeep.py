"""Keeps the stores of a running service within their bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from loguru import logger

from domain.errors import StorageUnavailable
from domain.values import epoch_ms
from storage.adapter_ports import Store
from storage.ledger_ports import LedgerStore
from utils.clock import Clock

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
    await _pass_after_pass(lambda: _prune(store, step_pause_seconds), pass_pause_seconds)


async def keep_ledger_within_bounds(
    ledger: LedgerStore,
    retention: timedelta,
    clock: Clock,
    *,
    step_pause_seconds: float = STEP_PAUSE_SECONDS,
    pass_pause_seconds: float = PASS_PAUSE_SECONDS,
) -> None:
    """Prune the ledger, pass after pass, until this is cancelled; pauses as of `keep_within_bounds`.

    Args:
        ledger: Open, or opened later.
        retention: Age at which entries are removed.
        clock: Tells their age; one that never jumps ahead (`UnhurriedClock`).
        step_pause_seconds: Between two steps of a pass.
        pass_pause_seconds: Before the first pass and between two.
    """

    async def prune() -> None:
        entries = 0
        while removed := await ledger.prune_ledger(epoch_ms(clock.now() - retention)):
            entries += removed
            await asyncio.sleep(step_pause_seconds)
        if entries:
            logger.bind(entries=entries).info("entries that were too old are removed from the ledger")

    await _pass_after_pass(prune, pass_pause_seconds)


async def _pass_after_pass(prune: Callable[[], Awaitable[None]], pause_seconds: float) -> None:
    while True:
        await asyncio.sleep(pause_seconds)
        try:
            await prune()
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
