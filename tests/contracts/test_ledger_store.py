"""Every store of the ledger: one suite, run on SQLite and on a real MongoDB."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domain.analysis import DataSource
from domain.errors import StorageUnavailable, Unstorable
from domain.ledger.days import Aggregate, DayRoot
from domain.ledger.entries import HORIZONS, PLAN, Apart, EntryKind, LedgerEntry, LedgerLane, Origin
from domain.ledger.settlements import LedgerRecord, PlanEnd, Settlement
from domain.market import Timeframe
from domain.values import Signal
from services.ledger.reader import LedgerReader
from services.ledger.settling.settler import BATCH
from storage.adapter_ports import LedgerDatabase
from storage.ledger_ports import Due, EntryFilter, LedgerSize, Postponed
from storage.resilience.ledger import GROUP_ENTRIES
from storage.sqlite.ledger.ledger import SqliteLedger
from tests.fixtures.ledger import CLOSED_MS, MemoryLedger, make_entry
from utils.clock import SystemClock

pytest_plugins = ["tests.fixtures.mongod"]

HOUR_MS = Timeframe.H1.ms
DAY = date(2021, 1, 4)  # of CLOSED_MS
NEXT = DAY + timedelta(days=1)
DAY_MS = 86_400_000
BuildLedger = Callable[[], LedgerDatabase]


@pytest.fixture(params=["sqlite", pytest.param("mongodb", marks=pytest.mark.realserver)])
def build(request: pytest.FixtureRequest, tmp_path: Path) -> BuildLedger:
    """Return a function that makes ledgers on one database, empty at first."""
    if request.param == "sqlite":
        path = tmp_path / "made" / "by open" / "store.db"
        return lambda: SqliteLedger(path)
    url = request.getfixturevalue("common_mongo_url")
    from storage.mongo.ledger import MongoLedger

    return lambda: MongoLedger(url)


@pytest.fixture
async def ledger(build: BuildLedger) -> AsyncIterator[LedgerDatabase]:
    """Return an open ledger of the test's own."""
    ledger = build()
    await ledger.open()
    yield ledger
    await ledger.close()


def without_plan(**changes: Any) -> LedgerEntry:
    return make_entry(**{"stop": None, "target": None, "horizon_candles": None, "target_first": None} | changes)


def settlement(entry_id: str, horizon: int, **changes: Any) -> Settlement:
    found = Settlement(
        entry_id=entry_id,
        horizon=horizon,
        price=101.5,
        move=0.015,
        end=PlanEnd.TIME if horizon == PLAN else None,
        r=0.75 if horizon == PLAN else None,
        ended_ms=CLOSED_MS + (horizon or 24) * HOUR_MS,
        settled_ms=CLOSED_MS + 30 * HOUR_MS,
        source="stored",
    )
    return replace(found, **changes)


def sums(day: date, level: str, symbol: str = "", **figures: float) -> Aggregate:
    return Aggregate(day, level, "rules", "0123456789ab", "1h", 4, symbol, "", "", figures)


def root(day: date, entries: int) -> DayRoot:
    return DayRoot(day, entries, f"{entries:064x}", "f" * 64, CLOSED_MS + DAY_MS)


async def ids(ledger: LedgerDatabase, limit: int = 99, **wanted: Any) -> list[str]:
    return [record.entry.id for record in await ledger.entries(EntryFilter(**wanted), limit)]


async def due(ledger: LedgerDatabase, hours: float, limit: int = 99) -> list[tuple[str, int]]:
    found = await ledger.due(CLOSED_MS + round(hours * HOUR_MS), limit)
    return [(settlement.entry.id, settlement.horizon) for settlement in found]


@pytest.mark.parametrize(
    "entry",
    [
        make_entry(
            id=f"{uuid.uuid4().hex}.llm",
            lane=LedgerLane.LLM,
            origin=Origin.LOOP,
            timeframe=Timeframe.W1,
            side=Signal.SHORT,
            price=1e-12,
            probability_up=0.1 + 0.2,
            cost_usd=0.0123,
            given=False,
            source_data=DataSource.ENGINE_DB,
            request_id=uuid.uuid4().hex,
        ),
        without_plan(
            kind=EntryKind.REFUSED, side=Signal.NEUTRAL, apart=Apart.CONTRADICTED, symbol="€/£", confidence=0.0
        ),
        make_entry(id="$where: 'a'b\"; DROP TABLE ledger_entries --", lane_id="x", request_id="ключ|4"),
        make_entry(id="0" * 32, request_id=""),
        make_entry(id="ABCDEF" * 6, lane=LedgerLane.BLEND, origin=Origin.TREND, request_id="a" * 33),
    ],
    ids=["all fields", "no plan", "hostile", "uuid alone", "upper case"],
)
async def test_entry_comes_back_equal_after_the_next_start(build: BuildLedger, entry: LedgerEntry) -> None:
    first = build()
    await first.open()
    await first.append([entry])
    await first.close()
    second = build()
    await second.open()
    assert await second.entry(entry.id) == LedgerRecord(entry, (), 0)
    assert await second.entries(EntryFilter(), 9) == [LedgerRecord(entry, (), 0)]
    assert await second.booked(DAY) == [entry]
    assert await second.entry(entry.id + "x") is None
    await second.close()


async def test_entry_that_is_appended_again_changes_nothing(ledger: LedgerDatabase) -> None:
    await ledger.append([make_entry(), make_entry(price=7.0), make_entry(id="b")])
    await ledger.settle([settlement("a1-rules", 1)], [Postponed("a1-rules", 4, CLOSED_MS + 9 * HOUR_MS)])
    before = await due(ledger, 99)
    await ledger.append([make_entry(price=3.0), make_entry(id="c")])
    record = await ledger.entry("a1-rules")
    assert record == LedgerRecord(make_entry(), (settlement("a1-rules", 1),), 0)
    assert [pair for pair in await due(ledger, 99) if pair[0] != "c"] == before
    assert await ledger.size() == LedgerSize(3, 3, 14, CLOSED_MS + HOUR_MS)
    await ledger.append([])


async def test_value_that_cannot_be_stored_is_refused_and_nothing_else(ledger: LedgerDatabase) -> None:
    with pytest.raises(Unstorable):
        await ledger.append([make_entry(id="\ud800")])
    with pytest.raises(Unstorable):
        await ledger.append([make_entry(id="large", known_ms=2**70)])
    await ledger.append([make_entry()])
    assert await ids(ledger) == ["a1-rules"]
    assert {entry_id for entry_id, _ in await due(ledger, 99)} == {"a1-rules"}


async def test_pages_follow_each_other_by_known_time_and_id(ledger: LedgerDatabase) -> None:
    uuids = [f"{number:032x}.{lane}" for number in (1, 2, 0xFFFF) for lane in ("llm", "model", "rules")]
    others = ["0", "a1", "zz", "ü"]
    moments = {entry_id: CLOSED_MS + position // 6 for position, entry_id in enumerate([*uuids, *others])}
    await ledger.append([make_entry(id=entry_id, known_ms=known) for entry_id, known in moments.items()])
    wanted = sorted(moments, key=lambda entry_id: (moments[entry_id], entry_id), reverse=True)
    assert await ids(ledger) == wanted
    for size in (1, 2, 4, 13):
        found: list[str] = []
        before: tuple[int, str] | None = None
        while page := await ledger.entries(EntryFilter(scored=True), size, before):
            assert len(page) <= size
            found += [record.entry.id for record in page]
            before = page[-1].entry.known_ms, page[-1].entry.id
        assert found == wanted


async def test_known_time_at_every_place_of_the_pages(ledger: LedgerDatabase) -> None:
    moments = (3, 1, 4, 1, 5, 9, 2, 6, 5, 3)
    symbols = ("BTCUSDT", "ETHUSDT")
    entries = [
        make_entry(
            id=f"a{number}", known_ms=CLOSED_MS + moment, symbol=symbols[number % 2], lane_id=f"{number % 3:012x}"
        )
        for number, moment in enumerate(moments)
    ]
    await ledger.append(entries)
    for wanted in (
        EntryFilter(),
        EntryFilter(symbol="ETHUSDT"),
        EntryFilter(lane_id=f"{1:012x}"),
        EntryFilter(until_ms=CLOSED_MS + 5),
        EntryFilter(symbol="BTCUSDT", since_ms=CLOSED_MS + 2, until_ms=CLOSED_MS + 5),
        EntryFilter(symbol="SOLUSDT"),
    ):
        known = [record.entry.known_ms for record in await ledger.entries(wanted, 99)]
        found = [await ledger.known_at(wanted, place) for place in range(1, len(entries) + 2)]
        assert found == [*known, *[None] * (len(entries) + 1 - len(known))]


@pytest.mark.parametrize("looked_through", [1, 2, 7, 99])
@pytest.mark.parametrize(
    "wanted",
    [
        EntryFilter(side=Signal.SHORT),
        EntryFilter(lane=LedgerLane.LLM),
        EntryFilter(scored=False),
        EntryFilter(symbol="ETHUSDT", side=Signal.SHORT),
        EntryFilter(symbol="ETHUSDT", timeframe=Timeframe.W1),
        EntryFilter(side=Signal.SHORT, since_ms=CLOSED_MS + 2, until_ms=CLOSED_MS + 6),
        EntryFilter(symbol="ETHUSDT"),
        EntryFilter(),
    ],
    ids=["few", "none", "none scored", "few of a market", "none of a market", "within times", "a market", "all"],
)
async def test_cursors_lead_to_every_wanted_entry_once(
    ledger: LedgerDatabase, wanted: EntryFilter, looked_through: int
) -> None:
    """Also where more entries than a page looks through became known in one millisecond."""
    await ledger.append(
        [
            make_entry(
                id=f"a{number:02}",
                known_ms=CLOSED_MS + number // 3,
                symbol="ETHUSDT" if number % 2 else "BTCUSDT",
                side=Signal.SHORT if number in (4, 9, 10, 11, 17) else Signal.LONG,
            )
            for number in range(24)
        ]
    )
    expected = [record.entry.id for record in await ledger.entries(wanted, 99)]
    reader = LedgerReader(ledger, SystemClock(), looked_through)
    found: list[str] = []
    cursors: list[str] = []
    page = await reader.page(wanted, 2)
    while True:
        assert len(page.records) <= 2
        found += [record.entry.id for record in page.records]
        if page.next is None:
            break
        assert page.next not in cursors
        cursors.append(page.next)
        page = await reader.page(wanted, 2, page.next)
    assert found == expected


async def test_page_without_a_match_looks_at_a_bounded_number_of_entries(ledger: LedgerDatabase) -> None:
    await ledger.append([make_entry(id=f"a{number:02}", known_ms=CLOSED_MS + number) for number in range(20)])
    wanted = EntryFilter(lane=LedgerLane.LLM)
    page = await LedgerReader(ledger, SystemClock(), 5).page(wanted, 10)
    assert page.records == []
    assert page.next == f"{CLOSED_MS + 15}~"


async def test_every_filter_alone_and_with_others(ledger: LedgerDatabase) -> None:
    plain = make_entry(id="plain")
    other: dict[str, Any] = {
        "lane": LedgerLane.LLM,
        "lane_id": "other",
        "symbol": "ETHUSDT",
        "timeframe": Timeframe.H4,
        "side": Signal.SHORT,
        "kind": EntryKind.NO_EDGE,
        "origin": Origin.STREAM,
        "given": False,
    }
    entries = [replace(plain, id=name, **{name: value}) for name, value in other.items()]
    apart = make_entry(id="apart", apart=Apart.STALE)
    await ledger.append([plain, apart, *entries])
    everything = sorted([*other, "plain", "apart"], reverse=True)
    for name, value in other.items():
        assert await ids(ledger, **{name: value}) == [name]
        assert await ids(ledger, **{name: getattr(plain, name)}) == [
            entry_id for entry_id in everything if entry_id != name
        ]
    assert await ids(ledger, scored=False) == ["apart"]
    assert await ids(ledger, scored=True) == [entry_id for entry_id in everything if entry_id != "apart"]
    assert await ids(ledger, symbol="BTCUSDT", side="Short", lane_id="0123456789ab", scored=True) == ["side"]
    assert await ids(ledger, lane_id="other", timeframe="4h") == []
    for name in ("lane", "lane_id", "symbol", "timeframe", "side", "kind", "origin"):
        assert await ids(ledger, 99, **{name: "none of these"}) == []
    assert await ids(ledger, limit=2, symbol="BTCUSDT") == ["timeframe", "side"]


async def test_times_of_a_filter_include_the_first_and_exclude_the_last(ledger: LedgerDatabase) -> None:
    await ledger.append([make_entry(id=f"e{number}", known_ms=CLOSED_MS + number) for number in range(5)])
    assert await ids(ledger, since_ms=CLOSED_MS + 1, until_ms=CLOSED_MS + 4) == ["e3", "e2", "e1"]
    assert await ids(ledger, until_ms=CLOSED_MS + 2) == ["e1", "e0"]
    page = await ledger.entries(EntryFilter(since_ms=CLOSED_MS + 1), 9, (CLOSED_MS + 3, "e3"))
    assert [record.entry.id for record in page] == ["e2", "e1"]


async def test_repeats_add_up_and_those_of_unknown_entries_count_nothing(ledger: LedgerDatabase) -> None:
    await ledger.append([make_entry(), make_entry(id="b")])
    await ledger.repeat({"a1-rules": 2, "unknown": 5})
    await ledger.repeat({"a1-rules": 3, "b": 1})
    await ledger.repeat({})
    await ledger.append([make_entry(id="unknown")])
    repeats = {record.entry.id: record.repeats for record in await ledger.entries(EntryFilter(), 9)}
    assert repeats == {"a1-rules": 5, "b": 1, "unknown": 0}
    record = await ledger.entry("a1-rules")
    assert record is not None
    assert record.repeats == 5


async def test_horizons_are_due_at_their_time_the_first_due_first(ledger: LedgerDatabase) -> None:
    day = without_plan(id="day", timeframe=Timeframe.D1)
    await ledger.append([make_entry(id="apart", apart=Apart.STRANGER), day, make_entry(id="hour")])
    assert await due(ledger, 0.99) == []
    assert await due(ledger, 1) == [("hour", PLAN), ("hour", 1)]
    assert await due(ledger, 24) == [("hour", 0), ("hour", 1), ("hour", 4), ("hour", 12), ("day", 1), ("hour", 24)]
    assert await due(ledger, 24 * 24) == [*await due(ledger, 24), ("day", 4), ("day", 12), ("day", 24)]
    for limit in range(1, 10):
        assert await due(ledger, 999, limit) == (await due(ledger, 999))[:limit]
    assert (await ledger.due(CLOSED_MS + 24 * HOUR_MS, 5))[4] == Due(day, 1)
    assert await ledger.size() == LedgerSize(3, 2, 9, CLOSED_MS + HOUR_MS)


async def test_postponed_horizon_is_due_again_later(ledger: LedgerDatabase) -> None:
    await ledger.append([make_entry(), make_entry(id="b")])
    later = [Postponed("a1-rules", 1, CLOSED_MS + 5 * HOUR_MS), Postponed("a1-rules", PLAN, CLOSED_MS + 2 * HOUR_MS)]
    assert await ledger.settle([], [*later, Postponed("unknown", 1, CLOSED_MS)]) == 0
    assert await due(ledger, 1) == [("b", PLAN), ("b", 1)]
    assert await due(ledger, 4.5) == [("b", 0), ("b", 1), ("a1-rules", 0), ("a1-rules", 4), ("b", 4)]
    assert await ledger.days_to_add_up() == []
    await ledger.settle([settlement("a1-rules", PLAN), settlement("a1-rules", 4)], [])
    assert await due(ledger, 6) == [("b", 0), ("b", 1), ("b", 4), ("a1-rules", 1)]
    # What is settled is not due again.
    assert await ledger.settle([], [Postponed("a1-rules", 4, CLOSED_MS)]) == 0
    assert ("a1-rules", 4) not in await due(ledger, 99)


async def test_settlement_is_kept_once_and_comes_back_equal(ledger: LedgerDatabase) -> None:
    await ledger.append([make_entry()])
    missing = settlement("a1-rules", 12, price=None, move=None, source="missing")
    first = [settlement("a1-rules", 24, source="binance"), settlement("a1-rules", PLAN), missing]
    assert await ledger.settle([*first, settlement("unknown", 1)]) == 3
    again = [settlement("a1-rules", 12, price=5.0), settlement("a1-rules", 4), settlement("a1-rules", 4, price=6.0)]
    assert await ledger.settle(again) == 1
    record = await ledger.entry("a1-rules")
    assert record is not None
    assert record.settlements == (first[1], settlement("a1-rules", 4), missing, first[0])
    assert not record.settled
    assert await due(ledger, 99) == [("a1-rules", 1)]
    assert await ledger.settle([settlement("a1-rules", 1)]) == 1
    assert await due(ledger, 9_999) == []
    assert [record.settled for record in await ledger.entries(EntryFilter(), 9)] == [True]
    assert await ledger.size() == LedgerSize(1, 1, 0, None)
    assert await ledger.settle([]) == 0


async def test_days_of_the_stretches_are_marked_until_their_sums_are_put(ledger: LedgerDatabase) -> None:
    week = without_plan(id="week", timeframe=Timeframe.W1)
    await ledger.append([make_entry(), week])
    assert await ledger.days_to_add_up() == []
    await ledger.settle([settlement("a1-rules", 1), settlement("week", 24)])
    # Weeks are counted from a Thursday, 1970-01-01.
    begin = date(1970, 1, 1) + timedelta(days=week.slot(24) * 24 * 7)
    assert await ledger.days_to_add_up() == [begin, DAY]
    await ledger.put_aggregates(begin, [])
    assert await ledger.days_to_add_up() == [DAY]
    await ledger.put_aggregates(DAY, [sums(DAY, "all", settled=1)])
    assert await ledger.days_to_add_up() == []
    await ledger.settle([settlement("a1-rules", 1)])  # by another settler, which died before it could add up
    assert await ledger.days_to_add_up() == [DAY]


async def test_marks_outlive_a_settler_that_dies_before_it_adds_up(build: BuildLedger) -> None:
    first = build()
    await first.open()
    await first.append([make_entry()])
    await first.settle([settlement("a1-rules", 4)])
    await first.close()
    second = build()
    await second.open()
    assert await second.days_to_add_up() == [DAY]
    assert [record.settlements for record in await second.settled(DAY)] == [(settlement("a1-rules", 4),)]
    await second.close()


async def test_settled_gives_the_stretches_that_begin_in_the_day(ledger: LedgerDatabase) -> None:
    evening = CLOSED_MS + 11 * HOUR_MS  # 23:00
    morning = CLOSED_MS + 13 * HOUR_MS  # 01:00 of the next day
    entries = [
        make_entry(id="noon"),
        make_entry(id="evening", closed_ms=evening, known_ms=evening),
        make_entry(id="morning", closed_ms=morning, known_ms=morning),
        without_plan(id="four", timeframe=Timeframe.H4, closed_ms=morning - HOUR_MS, known_ms=morning),
        make_entry(id="apart", apart=Apart.SYNTHETIC),
        make_entry(id="waiting"),
    ]
    await ledger.append(entries)
    await ledger.settle([settlement(e.id, h) for e in entries if e.id != "waiting" for h in e.horizons])
    await ledger.repeat({"noon": 4})

    async def found(day: date) -> dict[str, tuple[list[int], int]]:
        records = await ledger.settled(day)
        return {r.entry.id: ([settlement.horizon for settlement in r.settlements], r.repeats) for r in records}

    whole = [PLAN, *HORIZONS]
    # Stretches of 24 candles of 4h, 96 hours, begin at multiples of 4 days: some before this day.
    memory = MemoryLedger()
    await memory.append(entries)
    await memory.settle([settlement(e.id, h) for e in entries if e.id != "waiting" for h in e.horizons])
    assert await found(DAY) == {"noon": (whole, 4), "evening": (whole, 0)}
    assert (await found(NEXT))["morning"] == (whole, 0)
    for day in await memory.days_to_add_up():
        assert {r.entry.id: r.settlements for r in await ledger.settled(day)} == {
            r.entry.id: r.settlements for r in await memory.settled(day)
        }
    assert await ledger.days_to_add_up() == await memory.days_to_add_up()
    assert await ledger.settled(DAY - timedelta(days=40)) == []


async def test_settled_gives_what_was_made_within_a_time_alone(ledger: LedgerDatabase) -> None:
    await ledger.append([make_entry(), make_entry(id="b")])
    made = {1: 2, 4: 5, 12: 13, 24: 25, PLAN: 9}
    await ledger.settle([settlement("a1-rules", h, settled_ms=CLOSED_MS + hour * HOUR_MS) for h, hour in made.items()])
    await ledger.settle([settlement("b", 1, settled_ms=CLOSED_MS + 2 * HOUR_MS)])

    async def within(since: int, until: int) -> dict[str, list[int]]:
        records = await ledger.settled(DAY, (CLOSED_MS + since * HOUR_MS, CLOSED_MS + until * HOUR_MS))
        return {record.entry.id: [settlement.horizon for settlement in record.settlements] for record in records}

    assert await within(2, 3) == {"a1-rules": [1], "b": [1]}
    assert await within(5, 13) == {"a1-rules": [PLAN, 4]}
    assert await within(13, 99) == {"a1-rules": [12, 24]}
    assert await within(26, 99) == {}


async def test_sums_of_a_day_are_replaced_not_added(ledger: LedgerDatabase) -> None:
    old = [sums(DAY, "all", hits=2, brier=0.1 + 0.2), sums(DAY, "symbol", "BTCUSDT", hits=1), sums(DAY, "bin", hits=9)]
    await ledger.put_aggregates(DAY, old)
    await ledger.put_aggregates(NEXT, [sums(NEXT, "all", hits=5)])
    new = [sums(DAY, "symbol", "ETHUSDT", hits=3), sums(DAY, "symbol", "BTCUSDT"), sums(DAY, "all", brier=-1.5)]
    assert await ledger.aggregates("all", DAY, NEXT) == [old[0], sums(NEXT, "all", hits=5)]
    await ledger.put_aggregates(DAY, new)
    assert await ledger.aggregates("all", DAY, NEXT) == [new[2], sums(NEXT, "all", hits=5)]
    assert await ledger.aggregates("symbol", DAY, DAY) == new[:2]
    assert await ledger.aggregates("bin", DAY, NEXT) == []
    assert await ledger.aggregates("all", NEXT, NEXT + timedelta(days=9)) == [sums(NEXT, "all", hits=5)]
    assert await ledger.aggregates("all", DAY - timedelta(days=9), DAY - timedelta(days=1)) == []
    await ledger.put_aggregates(DAY, [])
    assert await ledger.aggregates("all", DAY, DAY) == []


async def test_late_entry_is_booked_in_the_first_day_that_is_not_closed(ledger: LedgerDatabase) -> None:
    await ledger.append([make_entry(id="b"), make_entry(id="a"), make_entry(id="early", known_ms=CLOSED_MS)])
    assert [entry.id for entry in await ledger.booked(DAY)] == ["early", "a", "b"]
    assert await ledger.close_day(root(DAY, 3))
    late, tomorrow = make_entry(id="late"), make_entry(id="next", known_ms=CLOSED_MS + DAY_MS)
    await ledger.append([tomorrow, late, make_entry(id="a")])
    assert [entry.id for entry in await ledger.booked(DAY)] == ["early", "a", "b"]
    assert await ledger.booked(NEXT) == [late, tomorrow]
    assert not await ledger.close_day(root(DAY, 3))
    # Two days at once: no entry is booked before the newest closed day either.
    assert await ledger.close_day(root(NEXT + timedelta(days=1), 0))
    await ledger.append([make_entry(id="later")])
    assert [entry.id for entry in await ledger.booked(NEXT + timedelta(days=2))] == ["later"]
    assert await ids(ledger, until_ms=CLOSED_MS + DAY_MS) == ["later", "late", "b", "a", "early"]


async def test_day_is_not_closed_over_other_entries_than_those_of_its_root(ledger: LedgerDatabase) -> None:
    await ledger.append([make_entry()])
    proven = root(DAY, 1)
    await ledger.append([make_entry(id="came while the root was made")])
    assert not await ledger.close_day(proven)
    assert await ledger.day_roots(9) == []
    assert await ledger.close_day(root(DAY, 2))


async def test_roots_come_newest_first(ledger: LedgerDatabase) -> None:
    roots = [root(DAY + timedelta(days=number), 0) for number in range(4)]
    for day_root in (roots[2], roots[0], roots[3], roots[1]):
        assert await ledger.close_day(day_root)
    assert await ledger.day_roots(9) == roots[::-1]
    assert await ledger.day_roots(2) == [roots[3], roots[2]]
    assert await ledger.day_roots(2, roots[2].day) == [roots[1], roots[0]]
    assert await ledger.day_roots(9, roots[0].day) == []


async def test_prune_keeps_what_is_due_and_what_is_proven(ledger: LedgerDatabase) -> None:
    entries = [without_plan(id=f"e{number:04}", known_ms=CLOSED_MS + number) for number in range(1_020)]
    await ledger.append([*entries, make_entry(id="apart", apart=Apart.STALE), make_entry(id="new", known_ms=10**13)])
    await ledger.settle([settlement(entry.id, horizon) for entry in entries[10:] for horizon in HORIZONS])
    await ledger.settle([settlement(entry.id, 1) for entry in entries[:10]])
    await ledger.repeat({entry.id: 1 for entry in entries})
    await ledger.put_aggregates(DAY, [sums(DAY, "all", hits=7)])
    await ledger.close_day(root(DAY, 1_021))
    removed = []
    while count := await ledger.prune_ledger(CLOSED_MS + DAY_MS):
        removed.append(count)
    assert sum(removed) == 1_011
    assert max(removed) <= 1_000
    assert await ids(ledger) == ["new", *(f"e{number:04}" for number in range(9, -1, -1))]
    assert [len(record.settlements) for record in await ledger.entries(EntryFilter(), 2)] == [0, 1]
    assert await ledger.aggregates("all", DAY, DAY) == [sums(DAY, "all", hits=7)]
    assert await ledger.day_roots(9) == [root(DAY, 1_021)]
    assert await ledger.size() == LedgerSize(11, 11, 35, CLOSED_MS + HOUR_MS)
    await ledger.append([entries[500]])  # nothing of its settlements and repeats is left
    assert await ledger.entry(entries[500].id) == LedgerRecord(entries[500], (), 0)


async def test_burst_of_thousands_is_kept_whole_and_once(ledger: LedgerDatabase) -> None:
    burst = [without_plan(id=f"{number:032x}.rules", known_ms=CLOSED_MS + number % 7) for number in range(4_000)]
    for first in range(0, len(burst), GROUP_ENTRIES):
        await ledger.append(burst[first : first + GROUP_ENTRIES])
    await ledger.append(burst[1_000 : 1_000 + GROUP_ENTRIES])
    assert await ledger.size() == LedgerSize(4_000, 4_000, 16_000, CLOSED_MS + HOUR_MS)
    now_ms = CLOSED_MS + 24 * HOUR_MS
    settled = 0
    while found := await ledger.due(now_ms, BATCH):
        settled += await ledger.settle([settlement(waiting.entry.id, waiting.horizon) for waiting in found])
    assert settled == 16_000
    assert len(await ledger.booked(DAY)) == 4_000


async def test_calls_of_a_closed_ledger_are_refused(build: BuildLedger) -> None:
    ledger = build()
    for call in (ledger.ping(), ledger.append([make_entry()]), ledger.due(0, 1), ledger.entry("a")):
        with pytest.raises(StorageUnavailable):
            await call
    await ledger.open()
    await ledger.open()
    await ledger.ping()
    await ledger.close()
    with pytest.raises(StorageUnavailable):
        await ledger.size()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.lists(st.integers(0, 4), min_size=1, max_size=3), st.just(0)),
        st.tuples(st.just("settle"), st.lists(st.integers(0, 5), max_size=3), st.sampled_from([PLAN, *HORIZONS])),
        st.tuples(st.just("postpone"), st.lists(st.integers(0, 5), max_size=2), st.sampled_from([PLAN, *HORIZONS])),
        st.tuples(st.just("repeat"), st.lists(st.integers(0, 4), max_size=2), st.integers(1, 3)),
    ),
    max_size=14,
)


@given(steps=STEPS)
@example(steps=[("append", [0], 0), ("postpone", [0, 0], 1), ("postpone", [0], 1)])
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_sequence_leaves_each_entry_and_settlement_once(
    ledger: LedgerDatabase, steps: list[tuple[str, list[int], int]]
) -> None:
    """Every example has a market of its own, since all share the ledger; a simple ledger says what is right."""
    symbol, simple = uuid.uuid4().hex, MemoryLedger()
    names = [f"{symbol}.{number}" for number in range(6)]
    for turn, (step, numbers, value) in enumerate(steps):
        chosen = [names[number] for number in numbers]
        for kept in (ledger, simple):
            match step:
                case "append":
                    apart = [None, None, Apart.STALE]
                    await kept.append(
                        [
                            (make_entry if number % 2 else without_plan)(
                                id=names[number], symbol=symbol, price=1.0 + turn, apart=apart[number % 3]
                            )
                            for number in numbers
                        ]
                    )
                case "settle":
                    await kept.settle([settlement(name, value, price=1.0 + turn) for name in chosen])
                case "postpone":
                    await kept.settle([], [Postponed(name, value, CLOSED_MS + turn * HOUR_MS) for name in chosen])
                case _:
                    known = [name for name in chosen if await simple.entry(name)]
                    await kept.repeat(dict.fromkeys(known, value))
    assert await ledger.entries(EntryFilter(symbol=symbol), 99) == await simple.entries(EntryFilter(), 99)
    for hours in (0, 3, 7, 99):
        now_ms = CLOSED_MS + hours * HOUR_MS
        mine = [found for found in await ledger.due(now_ms, 10_000) if found.entry.symbol == symbol]
        assert mine == await simple.due(now_ms, 99)
