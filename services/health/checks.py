"""Checks of the store, the LLM, the market-data sources and the log, without waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from domain.analysis import DataSource
from services.health.degraded import Check, Degraded
from services.llm.calling.client import LlmClient
from services.llm.calling.key_ring import KeyState
from services.llm.status import can_be_asked
from services.market_data.market_data import MarketData
from storage.ports import StoreState
from utils.log_writer import LogState

# By the words of the cause; the first that fits.
_SQLITE_REMEDIES = {
    "disk is full": "free space on the disk of the database file",
    "deleted or replaced": "find out what deleted or moved the database file: a new one is made",
    "read-only": "let the service's user write to the database file and its folder",
    "no SQLite database": "name a SQLite file in DATABASE_URL, or move this one away, and start again",
    "damaged": "stop the service, move the database file away or restore it from a backup, and start again",
    "": "make sure that the database file of DATABASE_URL can be opened and written",
}
_SPOOL_REMEDY = "let the service's user write to the folder of storage.spool_path, with free space on its disk"


def store_check(kind: str, states: Callable[[], Sequence[StoreState]]) -> Check:
    """Return the check of the database: whether it works, waiting writes, lost writes.

    Args:
        kind: sqlite or mongodb.
        states: Of analyses, of documents and of the ledger, which usually fail together.
    """

    def check() -> Iterator[Degraded]:
        now = states()
        available = all(state.available for state in now)
        why = next((state.reason for state in now if state.reason), None)
        if available and why is None:
            return
        waiting, spooled, dropped = (
            sum(getattr(state, name) for state in now) for name in ("waiting", "spooled", "dropped")
        )
        reason = f"the {kind} store works" if available else f"the {kind} store is not available"
        reason += f": {why}" if why else ""
        if waiting:
            reason += f"; {waiting} writes wait, {spooled} of them in a local file"
        if dropped:
            reason += f"; {dropped} were given up since the start"
        # A store that works has only its spool to complain of.
        remedy = _SPOOL_REMEDY if available else _store_remedy(kind, why or "")
        yield Degraded("store", reason, f"{remedy}; it is tried again by itself, and what waits is written then")

    return check


def _store_remedy(kind: str, why: str) -> str:
    if kind != "sqlite":
        return "start MongoDB, or set DATABASE_URL to one that runs"
    return next(remedy for word, remedy in _SQLITE_REMEDIES.items() if word in why)


def llm_check(client: LlmClient | None) -> Check:
    """Return the check of the LLM's keys; without an LLM there is nothing to check."""

    def check() -> Iterator[Degraded]:
        states = client.key_states() if client is not None else []
        if states and not can_be_asked(states):
            yield Degraded("llm", f"no key can be used now: {_keys(states)}; the rules answer", _llm_remedy(states))

    return check


def market_data_check(market_data: MarketData) -> Check:
    """Return the check of the market-data sources that were asked; of stored candles the store's own check tells."""

    def check() -> Iterator[Degraded]:
        for name, works in market_data.health().items():
            if works is False and name != DataSource.STORED:
                reason = "the source did not answer when it was last asked; the next one in order is asked instead"
                yield Degraded(
                    f"market_data.{name}", reason, "see the log for its answer, or leave it out of MARKET_DATA_SOURCES"
                )

    return check


def log_check(states: Callable[[], Sequence[LogState]]) -> Check:
    """Return the check of the destinations of log lines."""
    remedies = {
        "stderr": "have the process or log driver behind standard error read it",
        "file": "free space on the disk of LOG_FILE, or set LOG_FILE to a file that can be written",
    }

    def check() -> Iterator[Degraded]:
        for state in states():
            if state.missing:
                why = f": {state.reason}" if state.reason else ": nothing reads them"
                yield Degraded(f"log.{state.name}", f"{state.missing} log lines dropped{why}", remedies[state.name])

    return check


def _keys(states: Sequence[KeyState]) -> str:
    return ", ".join(f"key {state.number} {state.status} ({state.reason or 'unknown'})" for state in states)


def _llm_remedy(states: Sequence[KeyState]) -> str:
    if all(state.status == "retired" for state in states):
        return "set OPENAI_API_KEY to a key that the endpoint accepts, and restart"
    return "check the account's quota and the endpoint of OPENAI_BASE_URL; keys that rest are tried again by themselves"
