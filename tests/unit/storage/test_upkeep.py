"""The running service prunes its store in small steps, through outages and faults."""

from __future__ import annotations

import asyncio

from domain.errors import StorageUnavailable
from storage.adapter_ports import Pruned
from storage.upkeep import keep_within_bounds
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
