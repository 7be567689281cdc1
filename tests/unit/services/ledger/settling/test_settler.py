"""The settler: when it looks, where its candles come from, what is late, missing or revised."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date
from pathlib import Path

import pytest

from domain.analysis import DataSource
from domain.errors import MarketDataUnavailable, StorageUnavailable
from domain.ledger.days import Aggregate
from domain.ledger.entries import PLAN, Apart, LedgerEntry
from domain.ledger.settlements import LedgerRecord, PlanEnd, Settlement
from domain.market import Timeframe
from domain.values import utc_time
from services.ledger.settling.state import SettlerState
from storage.document_ports import LEDGER_REVIEWED_DAYS, LEDGER_REVISIONS
from storage.ledger_ports import EVER_MS, EntryFilter, Postponed
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.ledger import CLOSED_MS, day_of, make_entry, stretch_day
from tests.fixtures.settling import HOUR_MS, LEASE_SECONDS, Workshop, count_and_add, flat
from tests.fixtures.sources import FakeSource, failing

BEFORE_MS = CLOSED_MS - 30 * HOUR_MS
# An hour after the open; in `flat` candles number 30 is the first after the entry.
FIRST = 30


@pytest.fixture
async def workshop(tmp_path: Path) -> AsyncIterator[Workshop]:
    """Return a workshop whose documents are in a file."""
    documents = SqliteDocumentStore(tmp_path / "store.db")
    await documents.open()
    yield Workshop(documents)
    await documents.close()


async def settlements(workshop: Workshop, entry_id: str = "a1-rules") -> dict[int, Settlement]:
    record = await workshop.ledger.entry(entry_id)
    assert record is not None
    return {settlement.horizon: settlement for settlement in record.settlements}


def stored(workshop: Workshop, closed: int) -> None:
    """Store hourly candles from before the entry to a number of them after it."""
    workshop.store(flat(FIRST + closed, BEFORE_MS))


async def test_each_horizon_is_settled_when_its_candle_has_closed(workshop: Workshop) -> None:
    await workshop.ledger.append([make_entry()])
    stored(workshop, 24)
    settler = workshop.settler()
    expected = {0.9: 0, 1: 1, 3.9: 1, 4: 2, 12: 3, 23.9: 3, 24: 5}
    done = 0
    for hours, count in expected.items():
        workshop.clock.moment = utc_time(CLOSED_MS + round(hours * HOUR_MS))
        done += await settler.settle_due()
        assert done == count, hours
    found = await settlements(workshop)
    assert {horizon: settlement.price for horizon, settlement in found.items()} == {
        PLAN: 100 + (FIRST + 23) / 100,
        **{horizon: 100 + (FIRST + horizon - 1) / 100 for horizon in (1, 4, 12, 24)},
    }
    assert found[PLAN].end is PlanEnd.TIME
    assert {settlement.source for settlement in found.values()} == {"stored"}
    assert settler.state.waiting == 0
    assert await settler.settle_due() == 0


async def test_a_target_that_comes_early_is_settled_early(workshop: Workshop) -> None:
    await workshop.ledger.append([make_entry(target=100.9)])  # reached in the first candle after it
    stored(workshop, 1)
    workshop.pass_hours(1)
    assert await workshop.settler().settle_due() == 2
    assert (await settlements(workshop))[PLAN].end is PlanEnd.TARGET


async def test_candles_that_the_store_lacks_come_from_a_real_source(workshop: Workshop) -> None:
    await workshop.ledger.append([make_entry()])
    stored(workshop, 2)
    workshop.source.behavior = lambda _: flat(FIRST + 24, BEFORE_MS)
    workshop.pass_hours(25)
    assert await workshop.settler().settle_due() == 5
    found = await settlements(workshop)
    assert {horizon: settlement.source for horizon, settlement in found.items()} == {
        1: "stored",
        4: "binance",
        12: "binance",
        24: "binance",
        PLAN: "binance",
    }
    assert workshop.source.calls == [Timeframe.H1]


async def test_synthetic_candles_settle_nothing(workshop: Workshop) -> None:
    await workshop.ledger.append([make_entry()])
    workshop.source = FakeSource(DataSource.SYNTHETIC, lambda _: flat(FIRST + 24, BEFORE_MS))
    workshop.pass_hours(25)
    assert await workshop.settler().settle_due() == 0
    assert workshop.source.calls == []


async def test_a_source_is_left_alone_for_ten_minutes(workshop: Workshop) -> None:
    await workshop.ledger.append([make_entry()])
    workshop.source.behavior = failing(MarketDataUnavailable("has no such candles"))
    settler = workshop.settler()
    workshop.pass_hours(1.01)
    await settler.settle_due()
    assert workshop.source.calls == []  # clients have two minutes to post the candle
    for minutes, calls in ((2, 1), (5, 1), (6, 2), (1, 2)):
        workshop.clock.advance(minutes * 60)
        assert await settler.settle_due() == 0
        assert len(workshop.source.calls) == calls, minutes


async def test_a_day_that_takes_long_to_add_up_rests_and_keeps_its_mark_until_it_is_added_up_again(
    workshop: Workshop,
) -> None:
    """Two seconds for a day of thousands, at looks a minute apart: it is added up again after a hundred seconds."""
    seconds = [0.0]

    def add_up(records: Sequence[LedgerRecord], day: date) -> list[Aggregate]:
        seconds[0] += 2
        return count_and_add(records, day)

    async def counted() -> float:
        day = stretch_day(make_entry(), 1)
        return sum(sums.sums["settled"] for sums in await workshop.ledger.aggregates("symbol", day, day))

    await workshop.ledger.append([make_entry()])
    stored(workshop, 24)
    settler = workshop.settler(add_up=add_up, monotonic=lambda: seconds[0])
    for hours, later, known in ((1, 0, 1), (3, 60, 1), (0, 41, 2)):
        workshop.pass_hours(hours)
        seconds[0] += later
        await settler.settle_due()
        assert await counted() == known
    assert await workshop.ledger.days_to_add_up() == []
    workshop.pass_hours(20)
    await settler.settle_due()
    assert await workshop.ledger.days_to_add_up() == [stretch_day(make_entry(), 1)]
    workshop.clock.advance(LEASE_SECONDS)
    await workshop.settler(add_up=add_up).settle_due()  # another process does not wait
    assert await workshop.ledger.days_to_add_up() == []
    assert await counted() == 5


async def test_each_settlement_is_read_once_to_be_compared(workshop: Workshop) -> None:
    """The day after it was made; the days before hold nothing else that is new."""
    read: list[str] = []
    ledger = workshop.ledger
    plain = ledger.settled

    async def settled(day: date, made_ms: tuple[int, int] = EVER_MS) -> list[LedgerRecord]:
        found = await plain(day, made_ms)
        if made_ms != EVER_MS:
            read.extend(
                f"{record.entry.id}@{settlement.horizon}" for record in found for settlement in record.settlements
            )
        return found

    ledger.settled = settled  # type: ignore[method-assign]  # counts the calls
    await ledger.append([make_entry()])
    stored(workshop, 400)
    settler = workshop.settler()
    for _ in range(10):
        workshop.pass_hours(24)
        await settler.settle_due()
    assert sorted(read) == sorted(f"a1-rules@{horizon}" for horizon in (PLAN, 1, 4, 12, 24))


async def test_candles_that_come_late_settle_late_and_it_shows(workshop: Workshop) -> None:
    await workshop.ledger.append([make_entry()])
    settler = workshop.settler()
    workshop.pass_hours(30)
    assert await settler.settle_due() == 0
    stored(workshop, 24)
    workshop.pass_hours(10)
    assert await settler.settle_due() == 5
    first = (await settlements(workshop))[1]
    assert first.settled_ms - first.ended_ms == 39 * HOUR_MS


async def test_candles_that_never_come_are_missing_after_two_days(workshop: Workshop) -> None:
    await workshop.ledger.append([make_entry()])
    stored(workshop, 1)
    workshop.source.behavior = lambda _: flat(FIRST, BEFORE_MS)
    settler = workshop.settler()
    # It looks again after an eighth of the delay.
    for hours, count in ((4 + 47.5, 1), (6.5, 1), (6, 1), (12, 2)):
        workshop.pass_hours(hours)
        assert await settler.settle_due() == count, hours
    found = await settlements(workshop)
    assert found[1].source == "stored"
    lost = found[4]
    assert (lost.price, lost.move, lost.end, lost.r, lost.source) == (None, None, None, None, "missing")
    assert lost.ended_ms == CLOSED_MS + 4 * HOUR_MS
    assert all(settlement.source == "missing" for horizon, settlement in found.items() if horizon != 1)


async def test_while_no_source_answers_nothing_is_given_up_for_two_weeks(workshop: Workshop) -> None:
    await workshop.ledger.append([make_entry()])
    workshop.source.behavior = failing(MarketDataUnavailable("is down"))
    settler = workshop.settler()
    workshop.pass_hours(24 * 10)  # a service that stood still, and starts before its network
    assert await settler.settle_due() == 0
    stored(workshop, 24)
    workshop.pass_hours(24)
    assert await settler.settle_due() == 0  # it looks again after an eighth of the delay
    workshop.pass_hours(24)
    assert await settler.settle_due() == 5
    assert {settlement.source for settlement in (await settlements(workshop)).values()} == {"stored"}


async def test_entries_that_are_kept_apart_have_no_horizon(workshop: Workshop) -> None:
    await workshop.ledger.append([make_entry(apart=Apart.STRANGER), make_entry(id="b", apart=Apart.STALE)])
    stored(workshop, 24)
    workshop.pass_hours(48)
    assert await workshop.settler().settle_due() == 0


def burst(count: int, symbols: int = 2) -> list[LedgerEntry]:
    """Return entries of several symbols, one hour after the other, some of them without a plan."""
    return [
        make_entry(
            id=f"e{number}",
            symbol=f"S{number % symbols}USDT",
            closed_ms=CLOSED_MS + number * HOUR_MS,
            known_ms=CLOSED_MS + number * HOUR_MS + 5_000,
            **({"stop": None, "target": None, "horizon_candles": None} if number % 3 == 0 else {}),
        )
        for number in range(count)
    ]


async def test_a_week_of_standstill_is_caught_up_with_and_each_market_read_once(workshop: Workshop) -> None:
    entries = burst(200)
    await workshop.ledger.append(entries)
    for symbol in ("S0USDT", "S1USDT"):
        workshop.store(flat(FIRST + 400, BEFORE_MS), symbol)
    workshop.pass_hours(200 + 24 * 7)
    settler = workshop.settler(batch=100)
    assert await settler.settle_due() == sum(len(entry.horizons) for entry in entries)
    assert set(workshop.shelf.reads.values()) == {1}
    assert settler.state.waiting == 0
    assert await workshop.ledger.days_to_add_up() == []


async def test_the_days_of_the_stretches_are_added_up(workshop: Workshop) -> None:
    entries = burst(40)
    await workshop.ledger.append(entries)
    for symbol in ("S0USDT", "S1USDT"):
        workshop.store(flat(FIRST + 100, BEFORE_MS), symbol)
    workshop.pass_hours(66)
    await workshop.settler().settle_due()
    days = {stretch_day(entry, horizon) for entry in entries for horizon in entry.horizons}
    for day in days:
        sums = await workshop.ledger.aggregates("symbol", day, day)
        assert sums == count_and_add(await workshop.ledger.settled(day), day)
        assert sums
    everything = await workshop.ledger.aggregates("symbol", min(days), max(days))
    assert sum(found.sums["settled"] for found in everything) == sum(len(entry.horizons) for entry in entries)


async def test_one_of_two_replicas_settles_and_the_other_takes_over_when_it_ends(workshop: Workshop) -> None:
    await workshop.ledger.append([make_entry()])
    stored(workshop, 24)
    first, second = workshop.settler(), workshop.settler()
    workshop.pass_hours(1)
    assert await first.settle_due() == 2 - 1
    workshop.clock.advance(60)
    assert await second.settle_due() == 0
    assert (first.state.settles, second.state.settles) == (True, False)
    assert second.state.waiting == 4
    workshop.pass_hours(3)  # the first has died
    assert await second.settle_due() == 1
    workshop.clock.advance(60)
    assert await first.settle_due() == 0


async def test_the_loop_goes_on_after_failures_and_gives_the_lease_up_at_its_end(workshop: Workshop) -> None:
    await workshop.ledger.append([make_entry()])
    stored(workshop, 24)
    workshop.pass_hours(24)
    failures: list[BaseException] = [StorageUnavailable("is down"), RuntimeError("a defect")]
    seen: list[SettlerState] = []

    async def sleep(seconds: float) -> None:
        assert seconds == 60
        seen.append(settler.state)
        if len(seen) == 3:
            raise asyncio.CancelledError

    def step() -> None:
        if failures:
            raise failures.pop(0)

    workshop.step = step
    settler = workshop.settler(sleep=sleep)
    with pytest.raises(asyncio.CancelledError):
        await settler.run()
    assert [state.failure for state in seen] == ["is down", "RuntimeError, see the log", None]
    assert seen[-1].waiting == 0
    workshop.pass_hours(0)
    assert await workshop.settler().settle_due() == 0
    other = workshop.settler()
    await other.settle_due()
    assert not other.state.settles


async def test_a_store_that_is_too_slow_for_many_horizons_gets_fewer_at_once(workshop: Workshop) -> None:
    entries = burst(200)
    await workshop.ledger.append(entries)
    for symbol in ("S0USDT", "S1USDT"):
        workshop.store(flat(FIRST + 400, BEFORE_MS), symbol)
    workshop.pass_hours(200 + 24)
    settle, asked = workshop.ledger.settle, []

    async def slow(settlements: Sequence[Settlement], postponed: Sequence[Postponed] = ()) -> int:
        asked.append(len(settlements))
        if len(settlements) > 100:
            raise StorageUnavailable("did not answer in time")
        return await settle(settlements, postponed)

    looks: list[int] = []

    async def sleep(_: float) -> None:
        looks.append(settler.state.waiting)
        if settler.state.last_run_ms is not None:
            raise asyncio.CancelledError

    workshop.ledger.settle = slow  # type: ignore[method-assign]  # waits on purpose
    settler = workshop.settler(batch=400, sleep=sleep)
    with pytest.raises(asyncio.CancelledError):
        await settler.run()
    assert asked[:3] == [400, 200, 100]
    assert sum(asked[2:]) == sum(len(entry.horizons) for entry in entries)
    assert len(looks) == 3


async def test_revised_candles_are_noted_the_next_day_and_change_nothing(workshop: Workshop) -> None:
    entries = [make_entry(), make_entry(id="b", symbol="ETHUSDT")]
    await workshop.ledger.append(entries)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        workshop.store(flat(FIRST + 24, BEFORE_MS), symbol)
    settler = workshop.settler()
    workshop.pass_hours(4)
    assert await settler.settle_due() == 4
    before = [await settlements(workshop), await settlements(workshop, "b")]
    revised = flat(FIRST + 24, BEFORE_MS)
    revised[FIRST + 3] = revised[FIRST + 3]._replace(close=100.77)
    workshop.store(revised)
    workshop.pass_hours(24)
    await settler.settle_due()
    (found,) = await workshop.documents.newest(LEDGER_REVISIONS, 10)
    assert found | {"created_at": None} == {
        "revision_id": "a1-rules@4",
        "created_at": None,
        "entry_id": "a1-rules",
        "symbol": "BTCUSDT",
        "timeframe": "1h",
        "horizon": 4,
        "ended_ms": CLOSED_MS + 4 * HOUR_MS,
        "settled_ms": CLOSED_MS + 4 * HOUR_MS,
        "price_used": 100.33,
        "price_now": 100.77,
        "end_used": None,
        "end_now": None,
    }
    after = [await settlements(workshop), await settlements(workshop, "b")]
    assert [{h: s[h] for h in (1, 4)} for s in after] == before
    assert settler.state.revised == 1
    note = await workshop.documents.get(LEDGER_REVIEWED_DAYS, day_of(CLOSED_MS).isoformat())
    assert note is not None
    assert (note["compared"], note["revised"]) == (4, 1)
    # Another process, the same day: done already. The figure is still known.
    workshop.clock.advance(600)
    again = workshop.settler()
    await again.settle_due()
    assert again.state.revised == 1


async def test_a_candle_that_came_after_it_was_given_up_is_noted_too(workshop: Workshop) -> None:
    await workshop.ledger.append([make_entry(stop=None, target=None, horizon_candles=None)])
    stored(workshop, 0)
    workshop.source.behavior = lambda _: flat(FIRST, BEFORE_MS)
    settler = workshop.settler()
    workshop.pass_hours(24 + 49)
    assert await settler.settle_due() == 4
    stored(workshop, 30)
    workshop.pass_hours(24)
    await settler.settle_due()
    found = await workshop.documents.newest(LEDGER_REVISIONS, 10)
    assert {(one["horizon"], one["price_used"]) for one in found} == {(h, None) for h in (1, 4, 12, 24)}
    records = await workshop.ledger.entries(EntryFilter(), 10)
    assert {settlement.source for settlement in records[0].settlements} == {"missing"}
