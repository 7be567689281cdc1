"""The periodic loop: each symbol on its own, cycles timed from their start, canceled at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.errors import MarketDataUnavailable
from services.analysis.loop_turn import LoopTurn
from services.analysis.periodic import PeriodicAnalysis
from services.leases import Lease
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.clocks import NOW, SettableClock

pytest_plugins = ["tests.fixtures.logs"]

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


class Stage:
    """Time passes only while the loop sleeps or an analysis runs; records both."""

    def __init__(self, turn: LoopTurn) -> None:
        self.clock = SettableClock()
        self.turn = turn
        self.analysis_seconds = 2.0
        self.sleeps: list[float] = []
        self.analyses: list[tuple[str, float]] = []
        self.failing: dict[str, Exception] = {}
        self.slow_analyses = self.end_after = 10**9

    async def analyze(self, symbol: str) -> str:
        self.analyses.append((symbol, self.clock.monotonic()))
        if len(self.analyses) >= self.end_after:
            raise asyncio.CancelledError
        self.clock.advance(self.analysis_seconds if len(self.analyses) <= self.slow_analyses else 10.0)
        if symbol in self.failing:
            raise self.failing[symbol]
        return symbol

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.clock.advance(seconds)

    def periodic(self, interval_seconds: float = 300.0, pause_seconds: float = 1.0) -> PeriodicAnalysis:
        return PeriodicAnalysis(
            self.analyze,
            SYMBOLS,
            interval_seconds=interval_seconds,
            pause_seconds=pause_seconds,
            turn=self.turn,
            clock=self.clock,
            monotonic=self.clock.monotonic,
            sleep=self.sleep,
        )

    async def run_until_analysis(self, count: int, **settings: float) -> None:
        self.end_after = count
        with pytest.raises(asyncio.CancelledError):
            await self.periodic(**settings).run()


@pytest.fixture
async def turn(tmp_path: Path) -> AsyncIterator[LoopTurn]:
    """The turn of the one process on its store."""
    documents = SqliteDocumentStore(tmp_path / "store.db")
    await documents.open()
    turn = LoopTurn(Lease(documents, "periodic", 3600.0, SettableClock()), 3600.0)
    await turn.look()
    yield turn
    await documents.close()


@pytest.fixture
def stage(turn: LoopTurn) -> Stage:
    return Stage(turn)


async def test_a_cycle_analyzes_every_symbol_in_order_with_pauses_between(stage: Stage) -> None:
    report = await stage.periodic().run_once()
    assert [symbol for symbol, _ in stage.analyses] == list(SYMBOLS)
    assert stage.sleeps == [1.0, 1.0]
    assert (report.started_at, report.duration_seconds, report.failures) == (NOW, 8.0, {})


async def test_a_failing_symbol_does_not_stop_the_others_and_is_reported_with_its_reason(stage: Stage) -> None:
    stage.failing = {"BTCUSDT": MarketDataUnavailable("no market data"), "ETHUSDT": ZeroDivisionError("a defect")}
    periodic = stage.periodic()
    assert periodic.last_cycle is None
    report = await periodic.run_once()
    assert [symbol for symbol, _ in stage.analyses] == list(SYMBOLS)
    assert report.failures == {"BTCUSDT": "no market data", "ETHUSDT": "ZeroDivisionError"}
    assert periodic.last_cycle is report


async def test_a_symbol_that_keeps_failing_is_logged_when_it_breaks_and_when_it_recovers(
    stage: Stage, log_facts: list[str]
) -> None:
    periodic = stage.periodic()
    stage.failing = {"ETHUSDT": MarketDataUnavailable("engine: cannot be reached")}
    for _ in range(3):
        await periodic.run_once()
    stage.failing = {}
    for _ in range(2):
        await periodic.run_once()
    about_symbol = [line for line in log_facts if "cycle completed" not in line]
    assert len(about_symbol) == 2
    assert about_symbol[0].startswith("WARNING periodic analysis failed")
    assert "engine: cannot be reached" in about_symbol[0]
    assert about_symbol[1].startswith("INFO periodic analysis recovered")
    assert len(log_facts) == 2 + 5


async def test_cycles_are_timed_from_their_start(stage: Stage) -> None:
    stage.analysis_seconds = 20
    await stage.run_until_analysis(7)
    starts = [seconds for symbol, seconds in stage.analyses if symbol == SYMBOLS[0]]
    assert starts == [1000.0, 1300.0, 1600.0]


async def test_a_cycle_that_overran_is_followed_at_once_and_does_not_pile_up(stage: Stage) -> None:
    stage.analysis_seconds = 400
    stage.slow_analyses = len(SYMBOLS)
    await stage.run_until_analysis(10, pause_seconds=0.0)
    starts = [seconds for symbol, seconds in stage.analyses if symbol == SYMBOLS[0]]
    # 1200 s for the first cycle instead of 300: the second begins at once, the third an interval later.
    assert starts == [1000.0, 2200.0, 2500.0, 2800.0]


@pytest.mark.parametrize("stuck_in", ["analysis", "pause"])
async def test_cancellation_ends_it_at_once_in_the_middle_of_a_cycle(stuck_in: str, turn: LoopTurn) -> None:
    reached = asyncio.Event()

    async def analyze(symbol: str) -> None:
        reached.set()
        if stuck_in == "analysis":
            await asyncio.Event().wait()

    periodic = PeriodicAnalysis(
        analyze, SYMBOLS, interval_seconds=300, pause_seconds=3600, turn=turn, clock=SettableClock()
    )
    task = asyncio.create_task(periodic.run())
    await reached.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(60):  # an hour's pause is left
            await task
    assert periodic.last_cycle is None
