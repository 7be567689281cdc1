"""The loop that keeps every configured symbol analyzed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from loguru import logger

from domain.errors import AppError
from services.analysis.loop_turn import LoopTurn
from utils import metrics
from utils.clock import Clock
from utils.tracing import span


@dataclass(frozen=True)
class CycleReport:
    """Result of a cycle over all symbols; `failures` has the reason by symbol."""

    started_at: datetime
    duration_seconds: float
    failures: dict[str, str]


class PeriodicAnalysis:
    """Analyzes each symbol once per interval, also when others fail.

    Attributes:
        last_cycle: The newest finished cycle, None before the first.
    """

    def __init__(
        self,
        analyze: Callable[[str], Awaitable[object]],
        symbols: Sequence[str],
        *,
        interval_seconds: float,
        pause_seconds: float,
        turn: LoopTurn,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Keep the work and its times.

        Args:
            analyze: Makes and publishes the analysis of a symbol.
            symbols: In the order of the cycle.
            interval_seconds: From the start of a cycle to the start of the next, > 0.
            pause_seconds: Between two symbols, >= 0, so that sources are not called in a burst.
            turn: Held by one of several processes on one store.
            clock: Dates the reports.
            monotonic: Seconds that never jump back, for the timing.
            sleep: Waits a number of seconds.
        """
        self.last_cycle: CycleReport | None = None
        self._analyze = analyze
        self._symbols = tuple(symbols)
        self._interval_seconds = interval_seconds
        self._pause_seconds = pause_seconds
        self._turn = turn
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._failing: set[str] = set()

    async def run(self) -> NoReturn:
        """Run cycles until canceled, which ends it at once, also within a cycle.

        After a cycle longer than the interval the next one starts at once; skipped ones are not
        made up for.
        """
        async with self._turn.kept():
            while True:
                await self._turn.begun()
                began = self._monotonic()
                await self.run_once()
                await self._sleep(max(0.0, began + self._interval_seconds - self._monotonic()))

    async def run_once(self) -> CycleReport:
        """Analyze each symbol once and report; a failing symbol never stops the others."""
        started_at = self._clock.now()
        began = self._monotonic()
        failures: dict[str, str] = {}
        for position, symbol in enumerate(self._symbols):
            if position:
                await self._sleep(self._pause_seconds)
                if not self._turn.held:
                    break  # another process has taken over
            reason = await self._failure(symbol)
            if reason is not None:
                failures[symbol] = reason
        seconds = self._monotonic() - began
        metrics.CYCLE_DURATION.observe(seconds)
        logger.bind(symbols=len(self._symbols), failed=len(failures), seconds=round(seconds, 3)).info(
            "periodic cycle completed"
        )
        self.last_cycle = CycleReport(started_at, seconds, failures)
        return self.last_cycle

    async def _failure(self, symbol: str) -> str | None:
        """Analyze a symbol; return why it failed, or None.

        A symbol that keeps failing for an expected reason is logged once, and again when it
        recovers; the report of each cycle has the reason.
        """
        log = logger.bind(symbol=symbol)
        try:
            with span("loop analysis", symbol=symbol):
                await self._analyze(symbol)
        except AppError as error:
            if symbol not in self._failing:
                log.bind(reason=error.message).warning("periodic analysis failed")
            self._failing.add(symbol)
            return error.message
        except Exception as error:  # noqa: BLE001 - a defect with one symbol must not end the loop
            log.opt(exception=error).error("periodic analysis failed unexpectedly")
            self._failing.add(symbol)
            return type(error).__name__
        if symbol in self._failing:
            self._failing.remove(symbol)
            log.info("periodic analysis recovered")
        return None
