"""Collects the parts that do not work, from memory alone, for /health and /readyz."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Protocol

from services.health.checks import llm_check, log_check, market_data_check, store_check
from services.health.degraded import Check, Degraded
from services.health.model_watch import ModelWatch, watched
from services.llm.calling.client import LlmClient
from services.market_data.market_data import MarketData
from storage.ports import StoreState
from utils.logging import Logs


class ServiceHealth:
    """Runs the check of every part without waiting."""

    def __init__(self, checks: Sequence[Check], logs: Logs, models: ModelWatch) -> None:
        """Keep the checks, in the order of their findings, the logs, and the watch over the models."""
        self._checks = list(checks)
        self._logs = logs
        self._models = models

    def also(self, check: Check) -> None:
        """Add a check after the others, such as that of the server itself."""
        self._checks.append(check)

    def degraded(self) -> list[Degraded]:
        """Return every part that does not work now."""
        return [found for check in self._checks for found in check()]

    def warnings(self, now: datetime) -> list[str]:
        """Return what works and will need an operator, in words.

        Args:
            now: Aware UTC time.
        """
        return self._models.warnings(now)

    @property
    def log_lines_dropped(self) -> int:
        """Log lines that could not be written since the start."""
        return sum(state.dropped for state in self._logs.states())


class WatchedStore(Protocol):
    """The state of a store, for its check."""

    @property
    def kind(self) -> str:
        """Short name for people: sqlite or mongodb."""

    @property
    def state(self) -> StoreState:
        """The current state."""


@asynccontextmanager
async def open_health(
    store: WatchedStore,
    others: Sequence[WatchedStore],
    llm: LlmClient | None,
    market_data: MarketData,
    models: ModelWatch,
    logs: Logs,
) -> AsyncIterator[ServiceHealth]:
    """Yield the health of these parts, and watch the models in the background.

    Args:
        store: Has analyses.
        others: Have documents and the ledger, in the same database.
        llm: None without an LLM.
        market_data: Knows the health of its sources.
        models: Watches the folder of the models.
        logs: Destinations of log lines.
    """
    checks = (
        store_check(store.kind, lambda: (store.state, *(other.state for other in others))),
        llm_check(llm),
        market_data_check(market_data),
        models.degraded,
        log_check(logs.states),
    )
    async with watched(models):
        yield ServiceHealth(checks, logs, models)
