"""The books of the LLM: cost of its replies, and the budget of further calls."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from loguru import logger

from config.llm_settings import LlmSettings, Money
from domain.errors import StorageUnavailable
from services.llm.calling.calls import CallEstimate, LlmCall, TokenUsage
from services.llm.pricing import cost_nano_usd, most_nano_usd, usd
from storage.document_ports import LLM_CALLS, DocumentStore, LastingDocuments, Total
from utils import metrics
from utils.clock import Clock

# Older days are forgotten; the month before stays, for a clock that is set back.
KEPT = timedelta(days=45)

FIRST_DAY = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Tally:
    """Calls added up.

    Attributes:
        cost_nano_usd: Of calls whose cost is known.
        budget_nano_usd: The same, with the greatest possible cost of replies that did not name their tokens.
        unpriced: Calls whose cost is not known.
    """

    calls: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    cost_nano_usd: int = 0
    budget_nano_usd: int = 0
    unpriced: int = 0

    def add(self, other: Tally) -> None:
        """Add another tally to this one."""
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)


_SUMS = tuple(name for name in Tally.__dataclass_fields__ if name != "calls")


class CostLedger:
    """Books every reply, stores it, and refuses a call that could exceed a budget.

    Stored calls are added up once, at the start (`load`); from then on the books in memory decide.
    Days and months are those of UTC.
    """

    def __init__(self, settings: LlmSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._documents: LastingDocuments | None = None
        self._reserved = 0
        self._loaded = False
        self._warned: set[str] = set()
        self.total = Tally()
        self._days: dict[str, Tally] = defaultdict(Tally)
        self._symbols: dict[tuple[str, str | None], Tally] = defaultdict(Tally)

    def store_in(self, documents: LastingDocuments) -> None:
        """Set the store of calls; until then they are only counted."""
        self._documents = documents

    async def settle(self) -> None:
        """Return when a crash would not lose booked calls; those that no store takes wait in memory."""
        if self._documents is not None:
            with suppress(StorageUnavailable):  # reported by the store's state; the reply was paid for and is used
                await self._documents.settle()

    async def load(self, documents: DocumentStore) -> None:
        """Add up the calls that earlier processes booked.

        Raises:
            StorageUnavailable: the store is down; the books stay as they are.
        """
        now = self._clock.now().astimezone(UTC)
        month_start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        whole = await documents.totals(LLM_CALLS, FIRST_DAY, _SUMS)
        days = await documents.totals(LLM_CALLS, month_start, _SUMS, by=["day"])
        symbols = await documents.totals(LLM_CALLS, month_start, _SUMS, by=["symbol"])
        for total in whole:
            self.total.add(_tally(total))
        for total in days:
            self._days[str(total.group[0])].add(_tally(total))
        for total in symbols:
            self._symbols[_month(now), total.group[0]].add(_tally(total))
        self._loaded = True

    @property
    def today(self) -> Tally:
        """The calls of the current day."""
        return self._days.get(_day(self._clock.now()), Tally())

    @property
    def this_month(self) -> Tally:
        """The calls of the current month."""
        month, tally = _month(self._clock.now()), Tally()
        for day, of_day in self._days.items():
            if day.startswith(month):
                tally.add(of_day)
        return tally

    @property
    def first_day(self) -> str | None:
        """The first day of the current month that has a call, as YYYY-MM-DD."""
        month = _month(self._clock.now())
        return min((day for day in self._days if day.startswith(month)), default=None)

    @property
    def by_symbol(self) -> Mapping[str | None, Tally]:
        """The calls of the current month by symbol; None for calls without a market."""
        month = _month(self._clock.now())
        return {symbol: tally for (of_month, symbol), tally in self._symbols.items() if of_month == month}

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
        self.total.add(tally)
        self._days[_day(call.at)].add(tally)
        self._symbols[_month(call.at), call.symbol].add(tally)
        self._forget_old_months()
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
            if not self._loaded:
                return "what was spent before is not known while the store is down"
            if usd(spent + self._reserved + most) > stop:
                return f"the {period} budget is used up"
        return None

    @property
    def stopped(self) -> bool:
        """Whether the budget of the day or the month is used up."""
        return any(stop is not None and usd(spent) >= stop for _, spent, _, stop in self._periods())

    @contextmanager
    def reserve(self, estimate: CallEstimate) -> Iterator[None]:
        """Count the greatest possible cost of a call as spent while it is made."""
        most = most_nano_usd(self._settings, estimate) or 0
        self._reserved += most
        try:
            yield
        finally:
            self._reserved -= most

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

    def _forget_old_months(self) -> None:
        oldest = _month(self._clock.now() - KEPT)
        for day in [day for day in self._days if day[:7] < oldest]:
            del self._days[day]
        for key in [key for key in self._symbols if key[0] < oldest]:
            del self._symbols[key]


def _tally(total: Total) -> Tally:
    return Tally(calls=total.count, **{name: total.sums[name] for name in _SUMS})


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()


def _month(moment: datetime) -> str:
    return _day(moment)[:7]
