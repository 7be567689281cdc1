"""Costs of the LLM per day and month."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal

from domain.values import EPOCH
from services.llm.books import Tally
from services.llm.cost_ledger import CostLedger
from services.llm.pricing import usd
from storage.document_ports import LLM_CALLS, DocumentStore
from utils.clock import Clock


@dataclass(frozen=True)
class Projection:
    """Cost of a day and of a whole month at the current pace, in USD."""

    daily: Decimal
    monthly: Decimal


def project(ledger: CostLedger, clock: Clock) -> Projection:
    """Return the pace of the current month since its first day with a call; less than a day counts as one."""
    now = clock.now().astimezone(UTC)
    if ledger.first_day is None:
        return Projection(Decimal(0), Decimal(0))
    first = date.fromisoformat(ledger.first_day)
    today = now.hour * 3600 + now.minute * 60 + now.second
    days = max(Decimal(1), Decimal((now.date() - first).days) + Decimal(today) / 86_400)
    daily = usd(ledger.this_month.cost_nano_usd) / days
    return Projection(daily, daily * calendar.monthrange(now.year, now.month)[1])


def average_usd(tally: Tally) -> Decimal:
    """Return the mean cost of a call whose cost is known; 0 without one."""
    priced = tally.calls - tally.unpriced
    return usd(tally.cost_nano_usd) / priced if priced else Decimal(0)


async def average_usd_for(documents: DocumentStore, purpose: str) -> Decimal | None:
    """Return the mean cost of the kept calls of one purpose whose cost is known; None without one.

    Raises:
        StorageUnavailable: the store does not answer.
    """
    sums = ("cost_nano_usd", "unpriced")
    for total in await documents.totals(LLM_CALLS, EPOCH, sums, by=["purpose"]):
        priced = total.count - total.sums["unpriced"]
        if total.group[0] == purpose and priced:
            return usd(total.sums["cost_nano_usd"]) / priced
    return None
