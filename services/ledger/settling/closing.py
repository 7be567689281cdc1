"""Closes a batch of horizons: the candles of each market are read once, and compared off the event loop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from domain.hours.sessions import Sessions
from domain.ledger.settlements import Settlement
from services.ledger.settling.candles import Market, SettlingCandles
from services.ledger.settling.outcomes import MarketCandles, outcomes
from services.ledger.settling.waiting import missing, next_look_ms
from storage.ledger_ports import Due, Postponed
from utils.concurrency import run_blocking

# Clients have this long to post a candle before a source is asked for it.
_POSTED_AFTER_MS = 2 * 60_000
# What is overdue is looked at again after an eighth of its delay, at least this.
_LEAST_PAUSE_MS = 60_000
_PAUSE_SHARE = 8


@dataclass
class ClosedBatch:
    """The result of settling a batch of horizons."""

    settlements: list[Settlement] = field(default_factory=list)
    postponed: list[Postponed] = field(default_factory=list)


class Closing:
    """Settles horizons that are due, or says when they are due again.

    Attributes:
        candles: Of the markets; what was read is remembered until they forget it.
    """

    def __init__(self, candles: SettlingCandles, executor: Executor) -> None:
        """Keep the candles and a thread for the numbers."""
        self.candles = candles
        self._executor = executor

    async def close(self, due: Sequence[Due], now_ms: int) -> ClosedBatch:
        """Return the settlements of these horizons, and new times for those that cannot be settled yet.

        Raises:
            StorageUnavailable: the store of candles does not answer.
        """
        by_market: defaultdict[Market, list[Due]] = defaultdict(list)
        for item in due:
            by_market[item.entry.symbol, item.entry.timeframe].append(item)
        batch = ClosedBatch()
        # One after the other: requests for analyses come first, at the store and at the sources.
        for market, items in by_market.items():
            await self._close_market(market, items, now_ms, batch)
        return batch

    async def _close_market(self, market: Market, due: list[Due], now_ms: int, batch: ClosedBatch) -> None:
        since_ms = min(item.entry.closed_ms for item in due)
        stored = await self.candles.stored(market, since_ms)
        overdue = await self._settle(stored, due, now_ms, batch)
        if not overdue:
            return
        fetched = await self.candles.fetched(market, since_ms)
        if fetched is not None:
            overdue = await self._settle(fetched, overdue, now_ms, batch)
        self._give_up_or_wait(market, overdue, stored, fetched, now_ms, batch)

    async def _settle(self, candles: MarketCandles, due: list[Due], now_ms: int, batch: ClosedBatch) -> list[Due]:
        """Settle what these candles tell, put off what waits for candles of the future, and return the rest."""
        sessions = self.candles.sessions((candles.symbol, candles.series.timeframe), candles)
        compared = await run_blocking(self._executor, _compare, candles, due, sessions, now_ms)
        batch.settlements += compared.settlements
        batch.postponed += compared.postponed
        return compared.overdue

    def _give_up_or_wait(
        self,
        market: Market,
        due: list[Due],
        stored: MarketCandles,
        fetched: MarketCandles | None,
        now_ms: int,
        batch: ClosedBatch,
    ) -> None:
        sessions, ask_ms = self.candles.sessions(market, stored, fetched), self.candles.may_ask_ms(market)
        for item in due:
            lost = missing(item, sessions, now_ms, asked=fetched is not None)
            if lost is not None:
                batch.settlements.append(lost)
                continue
            late_ms = now_ms - next_look_ms(item, sessions, 0)
            again_ms = max(ask_ms, now_ms + max(_LEAST_PAUSE_MS, late_ms // _PAUSE_SHARE))
            batch.postponed.append(Postponed(item.entry.id, item.horizon, again_ms))


@dataclass
class _Compared(ClosedBatch):
    """A batch, and what should have been settled but lacks candles."""

    overdue: list[Due] = field(default_factory=list)


def _compare(candles: MarketCandles, due: Sequence[Due], sessions: Sessions, now_ms: int) -> _Compared:
    compared = _Compared()
    known_until_ms = candles.series.last_close_ms if len(candles.series) else 0
    for item, settlement in zip(due, outcomes(candles, due, now_ms), strict=True):
        if settlement is not None:
            compared.settlements.append(settlement)
            continue
        look_ms = next_look_ms(item, sessions, known_until_ms)
        if look_ms > now_ms:
            compared.postponed.append(Postponed(item.entry.id, item.horizon, look_ms))
        elif now_ms - look_ms < _POSTED_AFTER_MS:
            compared.postponed.append(Postponed(item.entry.id, item.horizon, now_ms + _LEAST_PAUSE_MS))
        else:
            compared.overdue.append(item)
    return compared
