"""The sides that were given to trusted callers, by symbol and timeframe, kept over restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NoReturn

from cachetools import FIFOCache
from loguru import logger

from config.guard_settings import GuardSettings
from domain.errors import StorageUnavailable
from domain.market import Timeframe
from services.guards.given_side import GivenSide
from services.replicas.hints import Hint, Hints
from storage.document_ports import GIVEN_SIDES, Document, LastingDocuments
from utils.clock import Clock
from utils.concurrency import Pause, background

# Symbols times timeframes, 2 KB each.
MAX_SIDES = 2_000
# Pause before stored sides are read again.
RETRY_SECONDS = 5.0
# How soon sides of other processes are known without an announcement.
LOOK_SECONDS = 30.0


def keep_for(settings: GuardSettings) -> timedelta:
    """Return the age from which on no guard reads a side of any timeframe."""
    candles = max(settings.open_candles, settings.cooldown_candles)
    return timedelta(milliseconds=candles * max(timeframe.ms for timeframe in Timeframe))


class GivenSides:
    """Remembers the last Long or Short of each symbol and timeframe, and whether it still stands.

    A side that is dated in the future, since a clock has been set back, does not count.
    """

    def __init__(
        self,
        documents: LastingDocuments,
        clock: Clock,
        open_candles: int,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        hints: Hints | None = None,
    ) -> None:
        """Begin empty.

        Args:
            documents: Where sides outlive the process.
            clock: The server's.
            open_candles: How long a side is open, in candles of its timeframe.
            sleep: Waits a number of seconds.
            hints: Let other replicas read the side of a market at once; None where there are none.
        """
        self._documents = documents
        self._clock = clock
        self._open_candles = open_candles
        self._sleep = sleep
        self._hints = hints or Hints()
        self._pause = Pause(sleep)
        # Markets whose sides were given here and are to be announced, or were announced by other replicas.
        self._own: set[str] = set()
        self._others: set[str] = set()
        self._hinted = asyncio.Event()
        self._odd = False
        self._known = asyncio.Event()
        # Forgotten first: the side that was set longest ago.
        self._sides: FIFOCache[tuple[str, Timeframe], GivenSide] = FIFOCache(MAX_SIDES)

    async def follow(self) -> NoReturn:
        """Read the sides of earlier processes as soon as the store answers, and those of other replicas from then on.

        What is announced is read at once, everything every half minute; newer sides of this process stay.
        """
        while not self._known.is_set():
            if await self._tried(self._read_all):
                self._known.set()
            else:
                await self._sleep(RETRY_SECONDS)
        async with background(self._pass_on(), "announced sides"):
            while True:
                await self._pause.wait(LOOK_SECONDS)
                await self._tried(self._read_all)

    def look_at(self, market: str) -> None:
        """Read the side of a market that another replica gave; without a market, all of them."""
        if market:
            self._others.add(market)
            self._hinted.set()
        else:
            self._pause.end()

    async def _pass_on(self) -> NoReturn:
        """Announce the sides of this process, and read those that others announce."""
        while True:
            await self._hinted.wait()
            self._hinted.clear()
            await self._tell_others()
            await self._tried(self._read_announced)

    async def _tried(self, read: Callable[[], Awaitable[None]]) -> bool:
        try:
            await read()
        except StorageUnavailable:
            return False
        return True

    async def _tell_others(self) -> None:
        if self._own:
            # Others read the store.
            await self._documents.flush()
        while self._own:
            self._hints.tell(Hint.GIVEN_SIDE, self._own.pop())

    async def _read_announced(self) -> None:
        while self._others:
            document = await self._documents.get(GIVEN_SIDES, self._others.pop())
            self._take([document] if document else [])

    async def _read_all(self) -> None:
        self._take(await self._documents.newest(GIVEN_SIDES, MAX_SIDES))

    def _take(self, documents: Sequence[Document]) -> None:
        """Remember stored sides that are newer than those known, or that end them."""
        for document in reversed(documents):
            try:
                side = GivenSide.read(document)
            except (KeyError, ValueError) as error:
                if not self._odd:
                    logger.bind(reason=repr(error)).warning("a stored side of another release is not read")
                self._odd = True
                continue
            known = self._sides.get((side.symbol, side.timeframe))
            if known is None or side.at > known.at or (side.at == known.at and not side.stands):
                self._sides[side.symbol, side.timeframe] = side

    async def known(self) -> None:
        """Return when the stored sides have been read."""
        await self._known.wait()

    def last(self, symbol: str, timeframe: Timeframe) -> GivenSide | None:
        """Return the last Long or Short of a symbol and timeframe, also where it does not stand any more."""
        side = self._sides.get((symbol, timeframe))
        return side if side is not None and side.at <= self._clock.now() else None

    def recent(self, symbol: str, timeframe: Timeframe) -> GivenSide | None:
        """Return the last Long or Short of less than `open_candles` ago, also where it does not stand any more."""
        side = self._sides.get((symbol, timeframe))
        return side if side is not None and side.recent_at(self._clock.now(), self._open_candles) else None

    def open_beside(self, symbol: str, timeframe: Timeframe) -> list[GivenSide]:
        """Return the open sides of the other symbols in this timeframe."""
        now = self._clock.now()
        return [
            side
            for side in self._sides.values()
            if (side.timeframe is timeframe and side.symbol != symbol)
            and (side.stands and side.recent_at(now, self._open_candles))
        ]

    def remember(self, side: GivenSide) -> None:
        """Remember the side of an answer; a Neutral ends the one before. It is stored soon."""
        key = side.symbol, side.timeframe
        known = self.last(*key)
        if known is not None and known.at > side.at:
            return
        if not side.side:
            if known is None or not known.stands:
                return
            side = replace(known, stands=False)
        self._sides[key] = side
        market = " ".join(key)
        self._documents.put_later(GIVEN_SIDES, market, side.document)
        if self._hints.carried:
            self._own.add(market)
            self._hinted.set()
