"""Scores of the ledger, read from its sums by day."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar, cast

from cachetools import LRUCache

from domain.errors import InvalidRequest, StorageUnavailable
from domain.ledger.days import Aggregate
from domain.ledger.entries import PLAN, LedgerLane
from domain.market import Timeframe
from services.ledger.scoring.calibration import CalibrationBin, calibration_error, reliability
from services.ledger.scoring.clusters import RecordGroup, span_of_plans
from services.ledger.scoring.levels import Level
from services.ledger.scoring.pairs import LanePair, pairs_of
from services.ledger.scoring.queries import DEFAULT_DAYS, Grouping, RecordQuery
from services.ledger.scoring.records import Record, RecordKey, records_of
from storage.ledger_ports import LedgerStore
from utils.clock import Clock, is_fresh

# Settlements come by the minute; a page asks several times.
_FRESH = timedelta(seconds=15)
_KEPT_ANSWERS = 64
# Days read at once, so that a year of sums never lies in memory.
_DAYS_AT_ONCE = 31
_LANES = [lane.value for lane in LedgerLane]

T = TypeVar("T")
_Groups = dict[RecordKey, RecordGroup]
_KeyOf = Callable[[Aggregate], RecordKey]
_Chosen = Callable[[Aggregate], bool]


class LedgerScores:
    """Adds up the sums of days; equal questions within 15 seconds share an answer."""

    def __init__(self, store: LedgerStore, clock: Clock) -> None:
        """Keep the store of the sums."""
        self._store = store
        self._clock = clock
        self._kept: LRUCache[object, tuple[datetime, object]] = LRUCache(_KEPT_ANSWERS)
        self._lock = asyncio.Lock()

    async def warm(self) -> None:
        """Work out the usual answers once, and forget them: the first caller waits for no library and no cold file."""
        with suppress(StorageUnavailable):  # /health names the store
            await self._records(RecordQuery(DEFAULT_DAYS))
            await self._pairs(DEFAULT_DAYS)

    async def track_record(self, query: RecordQuery) -> list[Record]:
        """Return the records, by lane, timeframe, horizon and what they are told apart by.

        Raises:
            InvalidRequest: no sums tell symbol and confidence apart at once.
            StorageUnavailable: the store does not answer.
        """
        if query.group is Grouping.CONFIDENCE and query.symbol is not None:
            raise InvalidRequest(
                "group=confidence has no record by symbol: leave symbol out, or group by another", "query.group"
            )
        return await self._fresh(query, lambda: self._records(query))

    async def _records(self, query: RecordQuery) -> list[Record]:
        key_of = _KEYS[query.group]
        chosen = _chosen_by(query)
        groups = await self._groups(_level(query), query.days, key_of, chosen)
        errors = {}
        if query.symbol is None and query.group in {Grouping.LANE, Grouping.VERSION, Grouping.DAY}:
            errors = await self._calibration_errors(query.days, key_of, chosen)
        return sorted(await asyncio.to_thread(records_of, groups, errors), key=_place)

    async def given(self, days: int, group: Grouping = Grouping.LANE) -> list[Record]:
        """Return the records of what callers were given, of whichever lane, by timeframe and horizon.

        Args:
            days: The newest ones, today included, >= 1.
            group: What tells them apart besides: `SIDE`, `DAY`, or nothing else for `LANE`.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        level = Level.GIVEN_SIDE if group is Grouping.SIDE else Level.GIVEN

        async def read() -> list[Record]:
            groups = await self._groups(level, days, _KEYS[group])
            return sorted(await asyncio.to_thread(records_of, groups, {}), key=_place)

        return await self._fresh((level, group, days), read)

    async def pairs(self, days: int) -> list[LanePair]:
        """Return each two lanes on the same candles, by timeframe and horizon.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        return await self._fresh((Level.PAIR, days), lambda: self._pairs(days))

    async def _pairs(self, days: int) -> list[LanePair]:
        return await asyncio.to_thread(pairs_of, await self._groups(Level.PAIR, days, _second_lane))

    async def calibration(self, query: RecordQuery) -> dict[RecordKey, list[CalibrationBin]]:
        """Return what was stated as probabilities beside what occurred, by lane, timeframe and horizon.

        Raises:
            StorageUnavailable: the store does not answer.
        """

        async def read() -> dict[RecordKey, list[CalibrationBin]]:
            groups = await self._groups(
                Level.PROBABILITY, query.days, _with_bin(_KEYS[Grouping.LANE]), _chosen_by(query)
            )
            by_key = _bins(groups)
            return await asyncio.to_thread(lambda: {key: reliability(bins) for key, bins in by_key.items()})

        return await self._fresh((Level.PROBABILITY, query), read)

    async def _calibration_errors(self, days: int, key_of: _KeyOf, chosen: _Chosen) -> dict[RecordKey, float]:
        bins = _bins(await self._groups(Level.PROBABILITY, days, _with_bin(key_of), chosen))
        return {key: calibration_error([group.sums for _, group in those]) for key, those in bins.items()}

    async def _fresh(self, question: object, read: Callable[[], Awaitable[T]]) -> T:
        async with self._lock:
            now = self._clock.now()
            kept = self._kept.get(question)
            if kept is None or not is_fresh(kept[0], now, _FRESH):
                kept = self._kept[question] = now, await read()
            return cast(T, kept[1])

    async def _groups(self, level: Level, days: int, key_of: _KeyOf, chosen: _Chosen = lambda _: True) -> _Groups:
        """Return the sums of a level by key, with those of one lane together."""
        today = self._clock.now().date()
        since = today - timedelta(days=days - 1)
        groups: _Groups = {}
        while since <= today:
            until = min(since + timedelta(days=_DAYS_AT_ONCE - 1), today)
            found = await self._store.aggregates(level, since, until)
            await asyncio.to_thread(_add, groups, found, key_of, chosen)
            since = until + timedelta(days=1)
        return groups


def _place(record: Record) -> tuple[object, ...]:
    key = record.key
    told_apart = (key.day or date.min, key.lane_id or "", key.symbol or "", key.side or "", key.bin or "")
    lane = _LANES.index(key.lane) if key.lane in _LANES else -1
    return (lane, Timeframe(key.timeframe).ms, key.horizon, *told_apart)


def _level(query: RecordQuery) -> Level:
    if query.group is Grouping.SIDE:
        return Level.SIDE if query.symbol is None else Level.SYMBOL_SIDE
    if query.group is Grouping.CONFIDENCE:
        return Level.CONFIDENCE
    return Level.ALL if query.symbol is None and query.group is not Grouping.SYMBOL else Level.SYMBOL


def _key(aggregate: Aggregate, **apart: Any) -> RecordKey:
    return RecordKey(aggregate.lane, aggregate.timeframe, aggregate.horizon, **apart)


def _second_lane(aggregate: Aggregate) -> RecordKey:
    """Return the key of two lanes; versions of either are added up."""
    return _key(aggregate, bin=aggregate.bin.partition(" ")[0])


def _with_bin(key_of: _KeyOf) -> _KeyOf:
    return lambda aggregate: replace(key_of(aggregate), bin=aggregate.bin)


_KEYS: dict[Grouping, _KeyOf] = {
    Grouping.LANE: _key,
    Grouping.SYMBOL: lambda aggregate: _key(aggregate, symbol=aggregate.symbol),
    Grouping.SIDE: lambda aggregate: _key(aggregate, side=aggregate.side),
    Grouping.VERSION: lambda aggregate: _key(aggregate, lane_id=aggregate.lane_id),
    Grouping.CONFIDENCE: lambda aggregate: _key(aggregate, bin=aggregate.bin),
    Grouping.DAY: lambda aggregate: _key(aggregate, day=aggregate.day),
}


def _chosen_by(query: RecordQuery) -> _Chosen:
    wanted = {
        name: value
        for name in ("lane", "symbol", "timeframe", "horizon", "lane_id")
        if (value := getattr(query, name)) is not None
    }
    return lambda aggregate: all(getattr(aggregate, name) == value for name, value in wanted.items())


def _add(groups: _Groups, aggregates: Sequence[Aggregate], key_of: _KeyOf, chosen: _Chosen) -> None:
    for aggregate in aggregates:
        if chosen(aggregate):
            day = aggregate.day
            span = span_of_plans(aggregate.timeframe, day) if aggregate.horizon == PLAN else None
            groups.setdefault(key_of(aggregate), RecordGroup(day, day, {})).add(day, aggregate.sums, span)


def _bins(groups: _Groups) -> dict[RecordKey, list[tuple[str, RecordGroup]]]:
    """Return the ranges of probability of each key."""
    found: dict[RecordKey, list[tuple[str, RecordGroup]]] = {}
    for key, group in groups.items():
        found.setdefault(replace(key, bin=None), []).append((key.bin or "", group))
    return found
