"""Collects what does not work: the answer to /health and /readyz, from memory alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from services.health.checks import llm_check, log_check, market_data_check, store_check
from services.health.degraded import Check, Degraded
from services.health.model_watch import ModelWatch, watched
from services.llm.calling.client import LlmClient
from services.market_data.market_data import MarketData
from storage.ports import StoreState
from utils.logging import Logs


class ServiceHealth:
    """Asks every part, and waits for none."""

    def __init__(self, checks: Sequence[Check], logs: Logs) -> None:
        """Keep the checks, in the order in which their findings are shown, and where lines are logged."""
        self._checks = list(checks)
        self._logs = logs

    def also(self, check: Check) -> None:
        """Ask one part more, after the others: one that is no service, such as the server itself."""
        self._checks.append(check)

    def degraded(self) -> list[Degraded]:
        """Return every part that does not work now."""
        return [found for check in self._checks for found in check()]

    @property
    def log_lines_dropped(self) -> int:
        """Log lines that could not be written since the start."""
        return sum(state.dropped for state in self._logs.states())


class WatchedStore(Protocol):
    """What a store must tell to be checked."""

    @property
    def kind(self) -> str:
        """Short name for people: sqlite or mongodb."""

    @property
    def state(self) -> StoreState:
        """How it is now."""


@asynccontextmanager
async def open_health(
    store: WatchedStore,
    documents: WatchedStore,
    llm: LlmClient | None,
    market_data: MarketData,
    models: ModelWatch,
    logs: Logs,
) -> AsyncIterator[ServiceHealth]:
    """Give the health of these parts, and look at the models in the background meanwhile.

    Args:
        store: Of analyses.
        documents: Of everything else, in the same database.
        llm: None without an LLM.
        market_data: Knows whether its sources answer.
        models: Looks at the folder of the models.
        logs: Where lines are logged.
    """
    checks = (
        store_check(store.kind, lambda: (store.state, documents.state)),
        llm_check(llm),
        market_data_check(market_data),
        models.degraded,
        log_check(logs.states),
    )
    async with watched(models):
        yield ServiceHealth(checks, logs)
