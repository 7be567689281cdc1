"""What the guards remember, on SQLite and on a real MongoDB: over restarts, between processes, by whose answers."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from domain.analysis import Analysis
from domain.errors import StorageUnavailable
from domain.market import Timeframe
from domain.trading.gates import GateName
from domain.values import Signal, epoch_ms, utc_time
from rules.context import MarketContext
from services.broadcast.hub import SignalHub
from services.guards.given_sides import GivenSides
from services.guards.guards import Guards
from services.guards.safe_mode import SafeMode
from services.guards.watched_state import CHECK_SECONDS
from services.replicas.hints import Hint, Hints
from storage.document_ports import GIVEN_SIDES
from storage.resilience.documents import ResilientDocuments
from storage.resilience.pace import Pace
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.clocks import SettableClock
from tests.fixtures.guards import answer, candles_later, documents_on, given_side, guards_on, market
from tests.fixtures.patience import PATIENCE_SECONDS, eventually
from tests.fixtures.stores import held_up_documents

pytest_plugins = ["tests.fixtures.mongod"]


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(market().generated_at)


def at(clock: SettableClock, context: MarketContext | None = None) -> MarketContext:
    return replace(context or market(), generated_at=clock.now())


def shut(guards: Guards, context: MarketContext, analysis: Analysis) -> list[str]:
    return [gate.name for gate in guards.check(context, analysis).answer.gates if not gate.passed]


def give(guards: Guards, context: MarketContext, analysis: Analysis) -> None:
    guards.prepare(context, analysis)
    guards.remember_answer(analysis)


async def test_safe_mode_outlives_a_restart(database_url: str, clock: SettableClock) -> None:
    async with guards_on(database_url, clock) as guards:
        assert shut(guards, market(), answer()) == []
        await guards.safe_mode.switch(enabled=True, reason="wrong prices")
    async with guards_on(database_url, clock) as guards:
        found = guards.check(market(), answer())
        assert found.refusal == "refused by safe_mode: wrong prices"
        assert [problem.part for problem in guards.safe_mode.degraded()] == ["safe_mode"]
        await guards.safe_mode.switch(enabled=False, reason="")
    async with guards_on(database_url, clock) as guards:
        assert shut(guards, market(), answer()) == []
        assert list(guards.safe_mode.degraded()) == []


async def test_a_switch_is_taken_over_by_other_processes_on_the_store_and_announced_there(
    database_url: str, clock: SettableClock
) -> None:
    hub, looks = SignalHub(100_000), asyncio.Queue[float]()
    heard = hub.subscribe()
    async with guards_on(database_url, clock) as one, documents_on(database_url) as documents:

        async def next_look(seconds: float) -> None:
            await looks.put(seconds)
            await asyncio.Event().wait()

        other = SafeMode(documents, hub, clock, next_look)
        await one.safe_mode.switch(enabled=True, reason="wrong prices")
        watching = asyncio.create_task(other.watch())
        assert await looks.get() == CHECK_SECONDS
        assert other.state == one.safe_mode.state
        event = json.loads(await anext(aiter(heard)))
        assert event["type"] == "SafeModeChanged"
        assert event["data"] == {"enabled": True, "reason": "wrong prices", "changed_at": epoch_ms(clock.now())}
        watching.cancel()


async def test_the_last_side_outlives_a_restart(database_url: str, clock: SettableClock) -> None:
    async with guards_on(database_url, clock) as guards:
        give(guards, market(), answer(Signal.LONG))
        assert shut(guards, at(clock), answer(Signal.SHORT)) == [GateName.COOLDOWN]
    async with guards_on(database_url, clock, max_exposure=0.3) as guards:
        assert shut(guards, at(clock), answer(Signal.SHORT)) == [GateName.COOLDOWN]
        # The returns that it is compared by are still there too.
        assert shut(guards, at(clock), answer(Signal.LONG, symbol="ETHUSDT")) == [GateName.EXPOSURE]


async def test_a_side_that_one_process_gives_is_known_to_the_other_once_it_is_announced(
    database_url: str, clock: SettableClock
) -> None:
    told, heard = Hints(), Hints()
    told.send_by(heard.take)
    async with guards_on(database_url, clock, told) as one, guards_on(database_url, clock, heard) as other:
        assert shut(other, market(), answer(Signal.SHORT)) == []
        for signal, refused in ((Signal.LONG, [GateName.COOLDOWN]), (Signal.NEUTRAL, [GateName.COOLDOWN])):
            give(one, at(clock), answer(signal, at=clock.now()))
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not other._given.last("BTCUSDT", Timeframe.H1):
                    await asyncio.sleep(0.01)
            assert shut(other, at(clock), answer(Signal.SHORT)) == refused
            clock.advance(1)
        async with asyncio.timeout(PATIENCE_SECONDS):  # the Neutral has ended the side at the other too
            while (side := other._given.last("BTCUSDT", Timeframe.H1)) and side.stands:
                await asyncio.sleep(0.01)


async def test_a_switch_is_announced_once_it_is_stored_and_then_looked_for_at_once(
    database_url: str, clock: SettableClock
) -> None:
    async def never(_: float) -> None:
        await asyncio.Event().wait()

    async with documents_on(database_url) as documents:
        other = SafeMode(documents, SignalHub(1_000), clock, never)
        watching = asyncio.create_task(other.watch())
        await other.known()
        hints = Hints()
        hints.send_by(lambda *_: other.look_soon())
        async with guards_on(database_url, clock, hints) as one:
            await one.safe_mode.switch(enabled=True, reason="wrong prices")
            async with asyncio.timeout(PATIENCE_SECONDS):
                while other.state != one.safe_mode.state:
                    await asyncio.sleep(0.01)
        watching.cancel()


async def test_only_an_answer_that_a_trusted_caller_is_given_is_remembered(
    database_url: str, clock: SettableClock
) -> None:
    async with guards_on(database_url, clock) as guards:
        first = answer(Signal.LONG)
        guards.prepare(market(), first)
        assert shut(guards, market(), answer(Signal.SHORT)) == []
        guards.remember_answer(answer(Signal.LONG, symbol="SOLUSDT"))  # never made on candles that can be believed
        assert shut(guards, market(), answer(Signal.SHORT, symbol="SOLUSDT")) == []
        guards.remember_answer(first)
        assert shut(guards, market(), answer(Signal.SHORT)) == [GateName.COOLDOWN]


async def test_a_flip_waits_for_candles_of_its_timeframe(database_url: str, clock: SettableClock) -> None:
    async with guards_on(database_url, clock, cooldown_candles=3) as guards:
        give(guards, market(), answer(Signal.LONG))
        for later, expected in ((2, [GateName.COOLDOWN]), (3, [])):
            clock.moment = candles_later(later)
            context = market(100 + later)
            assert shut(guards, context, answer(Signal.SHORT, at=clock.now())) == expected
        assert shut(guards, market(100 + 2), answer(Signal.SHORT, timeframe="4h")) == []


async def test_a_replay_and_old_candles_read_nothing(database_url: str, clock: SettableClock) -> None:
    context = market()
    replay = replace(context, as_of=context.generated_at)
    old = replace(context, age=replace(context.age, lengths=9.0))
    async with guards_on(database_url, clock, hysteresis=0.05, max_exposure=0.3) as guards:
        before = [guards.check(seen, answer(Signal.SHORT, 0.56)) for seen in (replay, old)]
        give(guards, context, answer(Signal.LONG))
        give(guards, context, answer(Signal.SHORT, symbol="ETHUSDT"))
        assert guards.check(context, answer(Signal.SHORT, 0.56)).refusal
        assert [guards.check(seen, answer(Signal.SHORT, 0.56)) for seen in (replay, old)] == before
        await guards.safe_mode.switch(enabled=True, reason="wrong prices")
        assert guards.check(replay, answer(Signal.SHORT, 0.56)) == before[0]
        assert guards.agree(answer(as_of=clock.now()))


async def test_open_signals_of_symbols_that_move_together_have_a_limit(database_url: str, clock: SettableClock) -> None:
    alike, unlike = market(), market(seed=2)
    async with guards_on(database_url, clock, max_exposure=0.5, open_candles=24) as guards:
        give(guards, alike, answer(symbol="ETHUSDT", size=0.2))
        give(guards, unlike, answer(symbol="SOLUSDT", size=0.25))
        assert shut(guards, alike, answer(size=0.2)) == []
        give(guards, alike, answer(symbol="XRPUSDT", size=0.2))
        found = guards.check(alike, answer(size=0.2))
        assert found.refusal == (
            "refused by exposure: 0.6 of the capital would be on one bet, with the open Long of ETHUSDT (0.2), "
            "Long of XRPUSDT (0.2); at most 0.5 may be"
        )
        # A Neutral ends its symbol's open signal, and the opposite side is another bet.
        give(guards, alike, answer(Signal.NEUTRAL, symbol="XRPUSDT"))
        assert shut(guards, alike, answer(size=0.2)) == []
        give(guards, alike, answer(symbol="XRPUSDT", size=0.2))
        assert shut(guards, alike, answer(Signal.SHORT, size=0.2)) == []
        clock.moment = candles_later(24)
        assert shut(guards, alike, answer(size=0.2)) == []


async def test_a_side_is_kept_at_less_confidence_than_it_needs_anew(database_url: str, clock: SettableClock) -> None:
    async with guards_on(database_url, clock, hysteresis=0.02) as guards:
        assert shut(guards, market(), answer(confidence=0.5)) == []
        give(guards, market(), answer(confidence=0.5))
        assert shut(guards, market(), answer(confidence=0.51)) == []
        give(guards, market(), answer(Signal.NEUTRAL))
        assert shut(guards, market(), answer(confidence=0.51)) == [GateName.CONFIDENCE]
        assert shut(guards, market(), answer(confidence=0.52)) == []
        assert shut(guards, market(), answer(confidence=0.49)) == []
        clock.moment = candles_later(24)
        assert shut(guards, market(), answer(confidence=0.51)) == []


async def test_a_side_that_a_clock_since_set_back_has_dated_is_as_good_as_none(
    database_url: str, clock: SettableClock
) -> None:
    async with guards_on(database_url, clock) as guards:
        ahead = clock.now() + timedelta(days=400)
        guards.remember(given_side(Signal.SHORT, ahead))
        assert shut(guards, market(), answer(Signal.LONG)) == []
        give(guards, market(), answer(Signal.LONG))
        assert shut(guards, market(), answer(Signal.SHORT)) == [GateName.COOLDOWN]


async def test_an_answer_of_an_earlier_moment_does_not_replace_a_later_one(
    database_url: str, clock: SettableClock
) -> None:
    async with guards_on(database_url, clock) as guards:
        give(guards, market(), answer(Signal.LONG))
        earlier = utc_time(epoch_ms(clock.now()) - 60_000)
        give(guards, market(), answer(Signal.SHORT, at=earlier))
        assert shut(guards, market(), answer(Signal.LONG)) == []


async def test_a_side_of_another_release_is_passed_over(database_url: str, clock: SettableClock) -> None:
    async with documents_on(database_url) as documents:
        await documents.put(GIVEN_SIDES, "OLDUSDT 1h", {"created_at": clock.now(), "symbol": "OLDUSDT"})
        await documents.put(GIVEN_SIDES, "BTCUSDT 1h", given_side(Signal.LONG, clock.now()).document)
    async with guards_on(database_url, clock) as guards:
        assert shut(guards, at(clock), answer(Signal.SHORT)) == [GateName.COOLDOWN]


async def test_while_the_store_has_not_answered_safe_mode_is_off_and_said_to_be_unknown(tmp_path: Path) -> None:
    clock, waits = SettableClock(), asyncio.Queue[float]()
    (tmp_path / "store.db").mkdir()

    async def wait(seconds: float) -> None:
        await waits.put(seconds)
        await asyncio.sleep(0)

    documents = ResilientDocuments(SqliteDocumentStore(tmp_path / "store.db"), pace=Pace(retry_seconds=60))
    await documents.open()
    safe_mode = SafeMode(documents, SignalHub(1_000), clock, wait)
    given = GivenSides(documents, clock, 24, wait)
    loops = [asyncio.create_task(safe_mode.watch()), asyncio.create_task(given.follow())]
    await waits.get()
    assert "the store has not answered since the start: it counts as off" in (safe_mode.warning() or "")
    assert list(safe_mode.degraded()) == []
    with pytest.raises(StorageUnavailable, match="safe mode is on in this process, but nothing keeps it"):
        await safe_mode.switch(enabled=True, reason="wrong prices")
    assert safe_mode.state.enabled
    assert safe_mode.warning() is None
    for loop in loops:
        loop.cancel()
    await documents.close()


async def test_a_switch_that_nothing_kept_holds_and_is_stored_once_the_store_is_back(tmp_path: Path) -> None:
    clock, looks, go_on = SettableClock(), asyncio.Queue[float](), asyncio.Queue[None]()
    folder, away = tmp_path / "data", tmp_path / "away"
    url = f"sqlite:///{folder}/store.db"
    async with guards_on(url, clock) as guards:
        await guards.safe_mode.switch(enabled=False, reason="")

    async def next_look(seconds: float) -> None:
        await looks.put(seconds)
        await go_on.get()

    documents = ResilientDocuments(SqliteDocumentStore(folder / "store.db"), pace=Pace(retry_seconds=0.05))
    await documents.open()
    safe_mode = SafeMode(documents, SignalHub(1_000), clock, next_look)
    watching = asyncio.create_task(safe_mode.watch())
    await looks.get()
    folder.rename(away)
    folder.touch()
    with pytest.raises(StorageUnavailable):
        await documents.ping()
    clock.advance(1)
    with pytest.raises(StorageUnavailable, match="safe mode is on in this process, but nothing keeps it"):
        await safe_mode.switch(enabled=True, reason="wrong prices")
    folder.unlink()
    away.rename(folder)
    await eventually(lambda: documents.state.available)
    await go_on.put(None)
    await looks.get()
    assert safe_mode.state.enabled
    watching.cancel()
    await documents.close()
    async with guards_on(url, clock) as guards:
        assert guards.safe_mode.state == safe_mode.state


async def test_an_older_state_is_not_taken_over_while_a_switch_is_on_its_way_to_the_store(tmp_path: Path) -> None:
    clock, looks, go_on = SettableClock(), asyncio.Queue[float](), asyncio.Queue[None]()

    async def next_look(seconds: float) -> None:
        await looks.put(seconds)
        await go_on.get()

    async with held_up_documents(tmp_path) as (documents, database):
        safe_mode = SafeMode(documents, SignalHub(1_000), clock, next_look)
        await safe_mode.switch(enabled=False, reason="")
        watching = asyncio.create_task(safe_mode.watch())
        await looks.get()
        database.goes_on.clear()
        clock.advance(1)
        await safe_mode.switch(enabled=True, reason="wrong prices")
        await go_on.put(None)
        await looks.get()
        assert safe_mode.state.enabled
        watching.cancel()


@pytest.mark.parametrize("lost", [False, True], ids=["no Redis", "lost Redis"])
@pytest.mark.parametrize("back", [False, True], ids=["in time", "when Redis is back"])
async def test_without_announcements_sides_of_other_processes_are_read_while_this_one_gives_its_own(
    database_url: str, clock: SettableClock, lost: bool, back: bool
) -> None:
    half_minutes, hints = asyncio.Queue[None](), Hints()
    if lost:
        hints.send_by(lambda *_: None)

    async def half_a_minute(_: float) -> None:
        await half_minutes.get()

    async with documents_on(database_url) as documents:
        given = GivenSides(documents, clock, 24, half_a_minute, hints)
        hints.when(Hint.GIVEN_SIDE, given.look_at)
        following = asyncio.create_task(given.follow())
        await given.known()
        await documents.put(GIVEN_SIDES, "BTCUSDT 1h", given_side(at=clock.now()).document)
        given.remember(given_side(at=clock.now(), symbol="ETHUSDT"))
        if back:
            hints.catch_up()
        else:
            half_minutes.put_nowait(None)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while given.last("BTCUSDT", Timeframe.H1) is None:
                await asyncio.sleep(0.01)
        following.cancel()
