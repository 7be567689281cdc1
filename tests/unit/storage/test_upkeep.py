"""The running service prunes its store in small steps, through outages and faults."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from domain.errors import StorageUnavailable
from domain.values import epoch_ms
from storage.adapter_ports import Pruned
from storage.pruning import UnhurriedClock
from storage.upkeep import keep_ledger_within_bounds, keep_within_bounds
from tests.fixtures.clocks import NOW, SettableClock
from tests.fixtures.ledger import MemoryLedger
from tests.fixtures.patience import PATIENCE_SECONDS
from tests.fixtures.stores import FaultyStore
from utils.concurrency import background

pytest_plugins = ["tests.fixtures.logs"]


class Overfull(FaultyStore):
    """A store whose pruning steps have the listed outcomes, then find nothing."""

    def __init__(self, *outcomes: Pruned | Exception) -> None:
        super().__init__()
        self.outcomes = list(outcomes)
        self.within_bounds = asyncio.Event()

    async def prune(self) -> Pruned:
        if not self.outcomes:
            self.within_bounds.set()
            return Pruned(0, 0, complete=True)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def prune(store: Overfull) -> None:
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        background(keep_within_bounds(store, step_pause_seconds=0, pass_pause_seconds=0.001)),
    ):
        await store.within_bounds.wait()


async def test_pass_is_logged_once_with_what_it_removed(log_facts: list[str]) -> None:
    await prune(Overfull(Pruned(2, 0, complete=False), Pruned(0, 7, complete=False), Pruned(0, 0, complete=True)))
    assert log_facts == [
        "INFO what was too old or too much is removed from the store {'store': 'faulty', 'analyses': 2, 'candles': 7}\n"
    ]


async def test_outage_ends_a_pass_and_the_next_one_comes() -> None:
    store = Overfull(StorageUnavailable("down"), Pruned(1, 1, complete=True))
    await prune(store)
    assert store.outcomes == []


async def test_bug_is_logged_and_the_next_pass_comes(log_lines: list[str]) -> None:
    await prune(Overfull(KeyError("a bug")))
    assert log_lines[0].startswith("ERROR pruning the store failed unexpectedly")


class OverfullLedger(MemoryLedger):
    """A ledger whose pruning steps have the listed outcomes, then find nothing."""

    def __init__(self, *outcomes: int | Exception) -> None:
        super().__init__()
        self.outcomes = list(outcomes)
        self.asked: list[int] = []
        self.within_bounds = asyncio.Event()

    async def prune_ledger(self, before_ms: int) -> int:
        self.asked.append(before_ms)
        if not self.outcomes:
            self.within_bounds.set()
            return 0
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def test_ledger_is_pruned_step_by_step_of_what_is_older_than_its_retention(log_facts: list[str]) -> None:
    ledger, clock = OverfullLedger(StorageUnavailable("down"), 1_000, 20), SettableClock()
    unhurried = UnhurriedClock(clock, lambda: 0.0)
    clock.advance(10**9)  # a jump ahead, during which no second has passed
    keeping = keep_ledger_within_bounds(
        ledger, timedelta(days=400), unhurried, step_pause_seconds=0, pass_pause_seconds=0.001
    )
    async with asyncio.timeout(10), background(keeping):
        await ledger.within_bounds.wait()
    assert set(ledger.asked) == {epoch_ms(NOW - timedelta(days=400))}
    assert log_facts[0] == "INFO entries that were too old are removed from the ledger {'entries': 1020}\n"
