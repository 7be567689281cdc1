"""The books of the LLM: cost of its replies, and the budget of further calls."""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from loguru import logger

from config.llm_settings import LlmSettings, Money
from domain.errors import LlmUnavailable, StorageUnavailable
from services.llm.books import Books, StoredBooks, Tally
from services.llm.calling.calls import OVER_BUDGET, CallEstimate, LlmCall, TokenUsage
from services.llm.pricing import NANO, cost_nano_usd, most_nano_usd, usd
from services.llm.sharing import ALONE, LlmSharing, PeriodBudget
from storage.document_ports import LLM_CALLS, DocumentStore, LastingDocuments
from utils import metrics
from utils.clock import Clock

# Older days are forgotten; the month before stays, for a clock that is set back.
KEPT = timedelta(days=45)

# How soon calls of other replicas are in the books.
LOOK_SECONDS = 15.0
_DAY_SECONDS = 86_400


class CostLedger:
    """Books every reply, stores it, and refuses a call that could exceed a budget.

    What this process booked is in memory; stored calls of others are added up at the start, and again and again
    (`load`). Calls of replicas under way at the same moment share the budgets. Days and months are those of UTC.
    """

    def __init__(self, settings: LlmSettings, clock: Clock, sharing: LlmSharing = ALONE) -> None:
        """Begin with empty books; `sharing` has the budgets of all replicas."""
        self._settings = settings
        self._clock = clock
        self._documents: LastingDocuments | None = None
        self._sharing = sharing
        self._run = uuid.uuid4().hex
        self._reserved = 0
        # Booked since the shared budgets were told last.
        self._unsettled = 0
        self._warned: set[str] = set()
        self._own = Books()
        self._stored = StoredBooks(self._run)

    def store_in(self, documents: LastingDocuments) -> None:
        """Set the store of calls; until then they are only counted."""
        self._documents = documents

    async def settle(self) -> None:
        """Return when a crash would not lose booked calls; those that no store takes wait in memory."""
        if self._documents is not None:
            with suppress(StorageUnavailable):  # reported by the store's state; the reply was paid for and is used
                await self._documents.settle()

    async def load(self, documents: DocumentStore) -> None:
        """Add up the calls that earlier processes and other replicas have booked; call it again and again.

        Raises:
            StorageUnavailable: the store is down; the books stay as they are.
        """
        await self._stored.look(documents, self._clock.now().astimezone(UTC))

    async def follow(self) -> NoReturn:
        """Keep up with the other replicas, until canceled; while the store is down, what it said last stands."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._documents is not None and self._stored.read:
                with suppress(StorageUnavailable):  # /health names the store
                    await self.load(self._documents)

    @property
    def total(self) -> Tally:
        """All calls."""
        return _sum(books.total for books in self._books)

    @property
    def today(self) -> Tally:
        """The calls of the current day."""
        day = _day(self._clock.now())
        return _sum(books.days[day] for books in self._books if day in books.days)

    @property
    def this_month(self) -> Tally:
        """The calls of the current month."""
        return _sum(tally for _, tally in self._days_of_month())

    @property
    def first_day(self) -> str | None:
        """The first day of the current month that has a call, as YYYY-MM-DD."""
        return min((day for day, tally in self._days_of_month() if tally.calls), default=None)

    @property
    def by_symbol(self) -> Mapping[str | None, Tally]:
        """The calls of the current month by symbol; None for calls without a market."""
        month, symbols = _month(self._clock.now()), defaultdict[str | None, Tally](Tally)
        for books in self._books:
            for (of_month, symbol), tally in books.symbols.items():
                if of_month == month and tally.calls:
                    symbols[symbol].add(tally)
        return dict(symbols)

    @property
    def _books(self) -> tuple[Books, Books]:
        return self._own, self._stored.books

    def _days_of_month(self) -> Iterator[tuple[str, Tally]]:
        month = _month(self._clock.now())
        for books in self._books:
            yield from ((day, tally) for day, tally in books.days.items() if day.startswith(month))

    def cost_nano_usd(self, model: str, usage: TokenUsage | None) -> int | None:
        """Return the cost of a call, None when it is not known."""
        return cost_nano_usd(self._settings, model, usage)

    def book(self, call: LlmCall) -> None:
        """Book a reply."""
        cost = self.cost_nano_usd(call.model, call.usage)
        usage = call.usage or TokenUsage(0, 0, 0)
        tally = Tally(
            calls=1,
            input_tokens=usage.input,
            cached_input_tokens=usage.cached_input,
            output_tokens=usage.output,
            cost_nano_usd=cost or 0,
            budget_nano_usd=(most_nano_usd(self._settings, call.estimate) or 0) if cost is None else cost,
            unpriced=int(cost is None),
        )
        self._own.book(_day(call.at), call.symbol, tally)
        self._unsettled += tally.budget_nano_usd
        for books in self._books:
            books.forget_before(_month(self._clock.now() - KEPT))
        if cost is None:
            metrics.LLM_UNPRICED.labels(call.model).inc()
        else:
            metrics.LLM_COST.labels(call.model).inc(float(usd(cost)))
        self._store(call, tally, cost)
        self._warn()

    def allow(self, estimate: CallEstimate) -> str | None:
        """Return why a call must not be made, or None when it keeps every budget."""
        most = most_nano_usd(self._settings, estimate)
        for period, spent, _, stop in self._periods():
            if stop is None or most is None:
                continue
            if not self._stored.read:
                return "what was spent before is not known while the store is down"
            if usd(spent + self._reserved + most) > stop:
                return f"the {period} budget is used up"
        return None

    @property
    def stopped(self) -> bool:
        """Whether the budget of the day or the month is used up."""
        return any(stop is not None and usd(spent) >= stop for _, spent, _, stop in self._periods())

    @asynccontextmanager
    async def reserve(self, estimate: CallEstimate) -> AsyncIterator[None]:
        """Count the greatest possible cost of a call as spent while it is made, here and at the other replicas.

        Raises:
            LlmUnavailable: on entry, calls of other replicas leave no room for it.
        """
        most = most_nano_usd(self._settings, estimate) or 0
        accounts = self._accounts()
        self._reserved += most
        try:
            if refusing := await self._sharing.reserve(accounts, most):
                period = "daily" if refusing == accounts[0].period else "monthly"
                raise LlmUnavailable(f"the LLM is not asked: the {period} budget is used up", OVER_BUDGET)
            try:
                yield
            finally:
                difference, self._unsettled = self._unsettled - most, 0
                await self._sharing.settle(accounts, difference)
        finally:
            self._reserved -= most

    def _accounts(self) -> tuple[PeriodBudget, PeriodBudget]:
        now = self._clock.now()
        names, kept = (_day(now), _month(now)), (2 * _DAY_SECONDS, 32 * _DAY_SECONDS)
        day, month = (
            PeriodBudget(name, spent + self._reserved, None if stop is None else int(stop * NANO), seconds)
            for name, seconds, (_, spent, _, stop) in zip(names, kept, self._periods(), strict=True)
        )
        return day, month

    def _periods(self) -> list[tuple[str, int, Money | None, Money | None]]:
        budgets = self._settings.budgets
        return [
            ("daily", self.today.budget_nano_usd, budgets.daily_warning_usd, budgets.daily_stop_usd),
            ("monthly", self.this_month.budget_nano_usd, budgets.monthly_warning_usd, budgets.monthly_stop_usd),
        ]

    def _warn(self) -> None:
        """Log once per period that its warning level is reached."""
        now = self._clock.now()
        for (period, spent, warning, stop), name in zip(self._periods(), (_day(now), _month(now)), strict=True):
            if warning is not None and usd(spent) >= warning and name not in self._warned:
                self._warned.add(name)
                log = logger.bind(period=name, spent_usd=str(usd(spent)), warning_usd=str(warning), stop_usd=str(stop))
                log.warning(f"the LLM has cost the {period} budget's warning")

    def _store(self, call: LlmCall, tally: Tally, cost: int | None) -> None:
        if self._documents is None:
            return
        document: dict[str, Any] = {name: value for name, value in asdict(tally).items() if name != "calls"}
        document |= {
            "created_at": call.at,
            "day": _day(call.at),
            "run": self._run,
            "purpose": call.purpose,
            "symbol": call.symbol,
            "model": call.model,
            "model_answered": call.model_answered,
            "cost_nano_usd": cost,
            "latency_seconds": call.latency_seconds,
            "key_number": call.key_number,
            "request_id": call.request_id,
        }
        self._documents.put_later(LLM_CALLS, uuid.uuid4().hex, document)


def _sum(tallies: Iterable[Tally]) -> Tally:
    tally = Tally()
    for other in tallies:
        tally.add(other)
    return tally


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()


def _month(moment: datetime) -> str:
    return _day(moment)[:7]
