"""Calls of the LLM added up: by day, by symbol and month, and all of them. Days and months are those of UTC."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from datetime import datetime

from domain.values import EPOCH
from storage.document_ports import LLM_CALLS, DocumentStore, Total

# Another replica may book while the stored calls are added up; then they are added up again.
_TRIES = 3


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

    def add(self, other: Tally, times: int = 1) -> None:
        """Add another tally to this one; -1 times takes it away."""
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + times * value)


SUMS = tuple(name for name in Tally.__dataclass_fields__ if name != "calls")


@dataclass
class Books:
    """Calls of some processes.

    Attributes:
        days: By UTC day, YYYY-MM-DD.
        symbols: By month, YYYY-MM, and symbol; None for calls without a market.
    """

    total: Tally = field(default_factory=Tally)
    days: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    symbols: dict[tuple[str, str | None], Tally] = field(default_factory=lambda: defaultdict(Tally))

    def book(self, day: str, symbol: str | None, tally: Tally) -> None:
        """Add a call."""
        self.total.add(tally)
        self.days[day].add(tally)
        self.symbols[day[:7], symbol].add(tally)

    def add(self, other: Books, times: int = 1) -> None:
        """Add other books to these; -1 times takes them away."""
        self.total.add(other.total, times)
        for day, tally in other.days.items():
            self.days[day].add(tally, times)
        for key, tally in other.symbols.items():
            self.symbols[key].add(tally, times)

    def forget_before(self, month: str) -> None:
        """Forget the days and symbols of earlier months, not the total."""
        for day in [day for day in self.days if day[:7] < month]:
            del self.days[day]
        for key in [key for key in self.symbols if key[0] < month]:
            del self.symbols[key]


class StoredBooks:
    """The books of all other processes: of earlier ones, and of the other replicas.

    Attributes:
        books: As they were read last.
        read: Whether they have been read once.
    """

    def __init__(self, run: str) -> None:
        """Begin empty; calls of this run are left out."""
        self.books = Books()
        self.read = False
        self._run = run
        self._today: datetime | None = None
        self._of_today = Books()

    async def look(self, documents: DocumentStore, now: datetime) -> None:
        """Add up the stored calls: all of them once a day, else those of the day.

        Raises:
            StorageUnavailable: the store is down; the books stay as they are.
        """
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if today != self._today:
            await self._read_all(documents, today)
            return
        found = await self._since(documents, today)
        books = Books()
        for known, times in ((self.books, 1), (self._of_today, -1), (found, 1)):
            books.add(known, times)
        self.books, self._of_today = books, found

    async def _read_all(self, documents: DocumentStore, today: datetime) -> None:
        month = today.replace(day=1)
        of_today = await self._since(documents, today)
        for _ in range(_TRIES):
            books = Books()
            for _, total in await self._others(documents, EPOCH, []):
                books.total.add(total)
            for (day,), total in await self._others(documents, month, ["day"]):
                books.days[str(day)].add(total)
            for (symbol,), total in await self._others(documents, month, ["symbol"]):
                books.symbols[today.isoformat()[:7], symbol].add(total)
            before, of_today = of_today, await self._since(documents, today)
            if before == of_today:
                break
        self.books, self._of_today, self._today, self.read = books, of_today, today, True

    async def _since(self, documents: DocumentStore, since: datetime) -> Books:
        books = Books()
        for (day, symbol), total in await self._others(documents, since, ["day", "symbol"]):
            books.book(str(day), symbol, total)
        return books

    async def _others(
        self, documents: DocumentStore, since: datetime, by: list[str]
    ) -> list[tuple[tuple[str | None, ...], Tally]]:
        totals = await documents.totals(LLM_CALLS, since, SUMS, by=[*by, "run"])
        return [(total.group[:-1], _tally(total)) for total in totals if total.group[-1] != self._run]


def _tally(total: Total) -> Tally:
    return Tally(calls=total.count, **{name: total.sums[name] for name in SUMS})
