"""The books: exact sums, unknown costs, budgets of UTC days and months, restarts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from config.llm_settings import LlmBudgetSettings, LlmSettings
from domain.errors import LlmUnavailable, StorageUnavailable
from services.llm.calling.calls import CallEstimate, LlmCall, TokenUsage
from services.llm.cost_ledger import CostLedger
from services.llm.cost_report import average_usd, project
from services.llm.pricing import cost_nano_usd, usd
from services.llm.sharing import PeriodBudget
from storage.resilience.documents import ResilientDocuments
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.clocks import SettableClock
from tests.fixtures.patience import eventually
from tests.fixtures.settings import configured
from tests.fixtures.stores import PACE
from utils.clock import Clock

pytest_plugins = ["tests.fixtures.logs"]

PRICES = {"input": "0.15", "cached_input": "0.075", "output": "0.60"}
# 1 M input tokens cost 0.15 USD
DIME_AND_A_HALF = TokenUsage(1_000_000, 0, 0)


def settings(**budgets: str) -> LlmSettings:
    no_limits = dict.fromkeys(LlmBudgetSettings.model_fields)
    return configured(LlmSettings, models={"gpt-4o-mini": {"prices": PRICES}}, budgets=no_limits | budgets)


def call(
    clock: Clock, usage: TokenUsage | None = DIME_AND_A_HALF, model: str = "gpt-4o-mini", **changes: Any
) -> LlmCall:
    values: dict[str, Any] = {
        "at": clock.now(),
        "purpose": "analysis",
        "symbol": "BTCUSDT",
        "model": model,
        "model_answered": model,
        "usage": usage,
        "latency_seconds": 1.0,
        "key_number": 1,
        "request_id": None,
        "estimate": CallEstimate(model, 1_000_000, 0),
    }
    return LlmCall(**values | changes)


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        (TokenUsage(1, 0, 0), Decimal("0.00000015")),
        (TokenUsage(1, 1, 0), Decimal("0.000000075")),
        (TokenUsage(0, 0, 1), Decimal("0.0000006")),
        (TokenUsage(2000, 1000, 300), Decimal("0.000405")),
        (TokenUsage(0, 0, 0), Decimal(0)),
    ],
)
def test_a_cost_is_tokens_times_prices_exactly(usage: TokenUsage, cost: Decimal) -> None:
    nano = cost_nano_usd(settings(), "gpt-4o-mini", usage)
    assert nano is not None
    assert usd(nano) == cost


def test_an_unknown_cost_is_not_zero() -> None:
    assert cost_nano_usd(settings(), "gpt-4o-mini", None) is None
    assert cost_nano_usd(settings(), "another", DIME_AND_A_HALF) is None


def test_calls_add_up_by_day_month_and_symbol() -> None:
    clock = SettableClock(datetime(2026, 1, 30, 12, tzinfo=UTC))
    ledger = CostLedger(settings(), clock)
    ledger.book(call(clock))
    clock.advance(86_400)
    ledger.book(call(clock, symbol=None))
    ledger.book(call(clock, usage=None))
    assert (ledger.total.calls, usd(ledger.total.cost_nano_usd)) == (3, Decimal("0.30"))
    assert (ledger.today.calls, ledger.this_month.calls, ledger.total.unpriced) == (2, 3, 1)
    assert {symbol: tally.calls for symbol, tally in ledger.by_symbol.items()} == {"BTCUSDT": 2, None: 1}
    assert average_usd(ledger.total) == Decimal("0.15")
    clock.advance(86_400)  # a new month
    assert (ledger.today.calls, ledger.this_month.calls, ledger.total.calls) == (0, 0, 3)
    assert ledger.by_symbol == {}


def test_a_clock_set_back_over_the_months_end_keeps_the_spent_cost() -> None:
    clock = SettableClock(datetime(2026, 1, 31, 23, 30, tzinfo=UTC))
    ledger = CostLedger(settings(), clock)
    ledger.book(call(clock))
    clock.advance(3_600)
    ledger.book(call(clock))
    assert ledger.this_month.calls == 1
    clock.advance(-3_600)
    assert (ledger.today.calls, ledger.this_month.calls) == (1, 1)
    assert {symbol: tally.calls for symbol, tally in ledger.by_symbol.items()} == {"BTCUSDT": 1}


def test_a_projection_goes_on_at_the_months_pace() -> None:
    clock = SettableClock(datetime(2026, 1, 10, tzinfo=UTC))
    ledger = CostLedger(settings(), clock)
    assert project(ledger, clock).monthly == 0
    ledger.book(call(clock))
    assert project(ledger, clock).daily == Decimal("0.15")  # less than a day counts as one
    clock.advance(2.5 * 86_400)
    ledger.book(call(clock))
    projection = project(ledger, clock)
    assert projection.daily == Decimal("0.30") / Decimal("2.5")
    assert projection.monthly == projection.daily * 31


async def loaded(ledger: CostLedger, folder: Path) -> CostLedger:
    documents = SqliteDocumentStore(folder / "store.db")
    await documents.open()
    await ledger.load(documents)
    await documents.close()
    return ledger


ESTIMATE = CallEstimate("gpt-4o-mini", 1_000_000, 0)


@pytest.mark.parametrize("period", ["daily", "monthly"])
async def test_a_call_that_could_exceed_the_stop_is_not_made(tmp_path: Path, period: str) -> None:
    clock = SettableClock()
    ledger = await loaded(CostLedger(settings(**{f"{period}_stop_usd": "0.45"}), clock), tmp_path)
    for _ in range(3):
        assert ledger.allow(ESTIMATE) is None
        assert not ledger.stopped
        ledger.book(call(clock))
    assert ledger.allow(ESTIMATE) == f"the {period} budget is used up"
    assert ledger.stopped
    assert ledger.allow(CallEstimate("another", 10**9, 10**9)) is None  # what it costs is not known
    clock.advance(31 * 86_400)
    assert ledger.allow(ESTIMATE) is None


async def test_calls_under_way_count_at_their_most(tmp_path: Path) -> None:
    ledger = await loaded(CostLedger(settings(daily_stop_usd="0.30"), SettableClock()), tmp_path)
    async with ledger.reserve(ESTIMATE):
        assert ledger.allow(ESTIMATE) is None
        async with ledger.reserve(ESTIMATE):
            assert ledger.allow(ESTIMATE) is not None
        assert ledger.allow(ESTIMATE) is None


async def test_a_reply_that_does_not_name_its_tokens_counts_at_its_most(tmp_path: Path) -> None:
    clock = SettableClock()
    ledger = await loaded(CostLedger(settings(daily_stop_usd="0.20"), clock), tmp_path)
    ledger.book(call(clock, usage=None))
    assert ledger.total.cost_nano_usd == 0
    assert ledger.allow(ESTIMATE) is not None


def test_a_daily_stop_refuses_every_call_while_earlier_costs_are_unknown() -> None:
    assert CostLedger(settings(), SettableClock()).allow(ESTIMATE) is None
    refusal = CostLedger(settings(daily_stop_usd="100"), SettableClock()).allow(ESTIMATE)
    assert refusal == "what was spent before is not known while the store is down"


def test_a_warning_is_logged_once_a_day(log_facts: list[str]) -> None:
    clock = SettableClock()
    ledger = CostLedger(settings(daily_warning_usd="0.30"), clock)
    for _ in range(4):
        ledger.book(call(clock))
    assert len([line for line in log_facts if "daily budget's warning" in line]) == 1
    clock.advance(86_400)
    for _ in range(2):
        ledger.book(call(clock))
    assert len([line for line in log_facts if "daily budget's warning" in line]) == 2


async def test_a_restart_forgets_nothing_whenever_the_store_comes_back(tmp_path: Path) -> None:
    clock = SettableClock(datetime(2026, 1, 30, 12, tzinfo=UTC))

    async def running() -> tuple[CostLedger, ResilientDocuments]:
        ledger = CostLedger(settings(), clock)
        documents = ResilientDocuments(SqliteDocumentStore(tmp_path / "store.db"), pace=PACE)
        await documents.open()
        ledger.store_in(documents)
        return ledger, documents

    first, documents = await running()
    first.book(call(clock))  # before the books are read
    documents.first(first.load)
    clock.advance(86_400)
    first.book(call(clock, symbol=None, usage=None))
    await first.settle()
    await documents.close()
    second, documents = await running()
    documents.first(second.load)
    await eventually(lambda: second.total.calls == 2)
    await documents.close()
    assert second.total == first.total
    assert second.today == first.today
    assert second.this_month == first.this_month
    assert second.by_symbol == first.by_symbol
    assert second.first_day == first.first_day == "2026-01-30"


async def test_books_that_cannot_be_read_stay_as_they_are(tmp_path: Path) -> None:
    ledger = CostLedger(settings(), SettableClock())
    with pytest.raises(StorageUnavailable):
        await ledger.load(SqliteDocumentStore(tmp_path / "store.db"))
    assert ledger.total.calls == 0


class Budgets:
    """Shared budgets that record what they are told, and refuse a period."""

    def __init__(self, refuse: int | None = None) -> None:
        self.refuse = refuse
        self.reserved: list[tuple[int, int | None, int]] = []
        self.settled: list[int] = []

    async def reserve(self, accounts: Sequence[PeriodBudget], most: int) -> str | None:
        self.reserved.append((accounts[0].spent, accounts[0].stop, most))
        return None if self.refuse is None else accounts[self.refuse].period

    async def settle(self, _: Sequence[PeriodBudget], difference: int) -> None:
        self.settled.append(difference)


async def test_a_call_is_reserved_at_its_most_and_replaced_by_its_cost(tmp_path: Path) -> None:
    clock, budgets = SettableClock(), Budgets()
    # Of the port, what the ledger calls.
    ledger = await loaded(CostLedger(settings(daily_stop_usd="1"), clock, budgets), tmp_path)  # type: ignore[arg-type]
    ledger.book(call(clock, usage=TokenUsage(1_000, 0, 0)))
    for _ in range(2):
        async with ledger.reserve(ESTIMATE):
            ledger.book(call(clock, usage=TokenUsage(100_000, 0, 0)))
    most, cost = 150_000_000, 15_000_000
    assert budgets.reserved == [(150_000, 10**9, most), (150_000 + cost, 10**9, most)]
    assert budgets.settled == [150_000 + cost - most, cost - most]


@pytest.mark.parametrize(("refused", "period"), [(0, "daily"), (1, "monthly")])
async def test_a_call_that_other_replicas_leave_no_room_for_is_not_made(
    tmp_path: Path, refused: int, period: str
) -> None:
    budgets = Budgets(refused)
    # Of the port, what the ledger calls.
    ledger = await loaded(CostLedger(settings(), SettableClock(), budgets), tmp_path)  # type: ignore[arg-type]
    with pytest.raises(LlmUnavailable, match=f"the {period} budget is used up") as refusal:
        async with ledger.reserve(ESTIMATE):
            pytest.fail("the call is made")
    assert refusal.value.reason == "budget"
    assert budgets.settled == []


async def test_calls_of_other_replicas_are_in_the_books_once_however_often_they_are_read(tmp_path: Path) -> None:
    clock = SettableClock(datetime(2026, 1, 30, 12, tzinfo=UTC))
    documents = ResilientDocuments(SqliteDocumentStore(tmp_path / "store.db"), pace=PACE)
    await documents.open()
    one, other = CostLedger(settings(), clock), CostLedger(settings(), clock)
    for ledger in (one, other):
        ledger.store_in(documents)
    one.book(call(clock))
    for days in (0, 0, 1, 0):
        clock.advance(days * 86_400)
        one.book(call(clock))
        other.book(call(clock, symbol="ETHUSDT"))
        for _ in range(2):
            for ledger in (one, other):
                await ledger.settle()
                await ledger.load(documents)
        assert one.total == other.total
        assert one.today == other.today
        assert one.this_month == other.this_month
        assert one.by_symbol == other.by_symbol
    assert (one.total.calls, one.today.calls) == (9, 4)
    assert {symbol: tally.calls for symbol, tally in one.by_symbol.items()} == {"BTCUSDT": 5, "ETHUSDT": 4}
    await documents.close()
