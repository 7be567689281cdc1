"""The sides that were given to trusted callers, by symbol and timeframe, kept over restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from cachetools import FIFOCache
from loguru import logger

from config.guard_settings import GuardSettings
from domain.errors import StorageUnavailable
from domain.market import Timeframe
from services.guards.given_side import GivenSide
from storage.document_ports import GIVEN_SIDES, LastingDocuments
from utils.clock import Clock

# Symbols times timeframes, 2 KB each.
MAX_SIDES = 2_000
# Pause before stored sides are read again.
RETRY_SECONDS = 5.0


def keep_for(settings: GuardSettings) -> timedelta:
    """Return the age from which on no guard reads a side of any timeframe."""
    candles = max(settings.open_candles, settings.cooldown_candles)
    return timedelta(milliseconds=candles * max(timeframe.ms for timeframe in Timeframe))


class GivenSides:
    """Remembers the last Long or Short of each symbol and timeframe, and whether it still stands.

    A side that is dated later than now, by a clock that has been set back, is as good as none.
    """

    def __init__(
        self,
        documents: LastingDocuments,
        clock: Clock,
        open_candles: int,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Begin empty.

        Args:
            documents: Where sides outlive the process.
            clock: The server's.
            open_candles: How long a side is open, in candles of its timeframe.
            sleep: Waits a number of seconds.
        """
        self._documents = documents
        self._clock = clock
        self._open_candles = open_candles
        self._sleep = sleep
        self._known = asyncio.Event()
        # Forgotten first: the side that was set longest ago.
        self._sides: FIFOCache[tuple[str, Timeframe], GivenSide] = FIFOCache(MAX_SIDES)

    async def restore(self) -> None:
        """Read the sides of earlier processes, as soon as the store answers; newer ones of this process stay."""
        while True:
            try:
                found = await self._documents.newest(GIVEN_SIDES, MAX_SIDES)
            except StorageUnavailable:
                await self._sleep(RETRY_SECONDS)
                continue
            for document in reversed(found):
                try:
                    side = GivenSide.read(document)
                except (KeyError, ValueError) as error:
                    logger.bind(reason=repr(error)).warning("a stored side of another release is not read")
                else:
                    self._sides.setdefault((side.symbol, side.timeframe), side)
            self._known.set()
            return

    async def known(self) -> None:
        """Return when the stored sides have been read."""
        await self._known.wait()

    def last(self, symbol: str, timeframe: Timeframe) -> GivenSide | None:
        """Return the last Long or Short of a symbol and timeframe, also where it does not stand any more."""
        side = self._sides.get((symbol, timeframe))
        return side if side is not None and side.at <= self._clock.now() else None

    def standing(self, symbol: str, timeframe: Timeframe) -> GivenSide | None:
        """Return the open Long or Short of a symbol and timeframe."""
        side = self.last(symbol, timeframe)
        return side if side is not None and side.open_at(self._clock.now(), self._open_candles) else None

    def open_beside(self, symbol: str, timeframe: Timeframe) -> list[GivenSide]:
        """Return the open sides of the other symbols in this timeframe."""
        now = self._clock.now()
        return [
            side
            for side in self._sides.values()
            if side.timeframe is timeframe
            and side.symbol != symbol
            and side.at <= now
            and side.open_at(now, self._open_candles)
        ]

    def give(self, side: GivenSide) -> None:
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
        self._documents.put_later(GIVEN_SIDES, " ".join(key), side.document)
