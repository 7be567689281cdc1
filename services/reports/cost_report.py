"""The daily report of what the LLM costs, against the budgets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from config.llm_settings import LlmBudgetSettings, Money
from domain.reports import ReportFinding
from services.llm.pricing import usd
from services.reports.findings import ReportContent, critical, fine, warning
from storage.document_ports import LLM_CALLS, DocumentStore, Total
from utils.clock import Clock

_SUMS = ("cost_nano_usd", "unpriced")


@dataclass(frozen=True)
class _LlmCosts:
    calls: int
    cost: Decimal
    unpriced: int


class CostReporter:
    """Adds up the calls of all replicas, as the store has them; days and months are those of UTC."""

    def __init__(self, documents: DocumentStore, budgets: LlmBudgetSettings, clock: Clock) -> None:
        """Keep the parts; a warning and a stop of the budgets are the thresholds of warning and critical."""
        self._documents = documents
        self._budgets = budgets
        self._clock = clock

    async def report(self) -> ReportContent:
        """Return the report.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        today = self._clock.now().astimezone(UTC).date()
        yesterday, month = today - timedelta(days=1), today.replace(day=1)
        since = datetime.combine(min(yesterday, month), datetime.min.time(), UTC)
        totals = await self._documents.totals(LLM_CALLS, since, _SUMS, by=["day"])
        spent = {
            "today": _add(totals, today, today),
            "yesterday": _add(totals, yesterday, yesterday),
            "month": _add(totals, month, today),
        }
        budgets = self._budgets
        daily = budgets.daily_warning_usd, budgets.daily_stop_usd
        findings = [
            *_over("cost of today", spent["today"], *daily),
            *_over("cost of yesterday", spent["yesterday"], *daily),
            *_over("cost of the month", spent["month"], budgets.monthly_warning_usd, budgets.monthly_stop_usd),
        ]
        if unpriced := spent["month"].unpriced:
            findings.append(fine("prices", f"the cost of {unpriced} calls of the month is not known"))
        words = [f"{name} {one.cost:.2f} USD ({one.calls} calls)" for name, one in spent.items()]
        figures = {
            f"{name}_{what}": value
            for name, one in spent.items()
            for what, value in {"usd": float(one.cost), "calls": one.calls, "unpriced_calls": one.unpriced}.items()
        }
        limits = {name: None if value is None else float(value) for name, value in budgets.model_dump().items()}
        return ReportContent(f"LLM: {', '.join(words)}", figures | limits, findings)


def _add(totals: Iterable[Total], first: date, last: date) -> _LlmCosts:
    """Return what the days from the first to the last have cost."""
    of_days = [total for total in totals if first.isoformat() <= str(total.group[0]) <= last.isoformat()]
    cost = usd(sum(total.sums["cost_nano_usd"] for total in of_days))
    return _LlmCosts(sum(total.count for total in of_days), cost, sum(total.sums["unpriced"] for total in of_days))


def _over(subject: str, spent: _LlmCosts, warn_at: Money | None, critical_at: Money | None) -> list[ReportFinding]:
    if critical_at is not None and spent.cost >= critical_at:
        return [critical(subject, f"the {subject} is {spent.cost:.2f} USD, the limit is {critical_at:.2f}")]
    if warn_at is not None and spent.cost >= warn_at:
        return [warning(subject, f"the {subject} is {spent.cost:.2f} USD, the warning level is {warn_at:.2f}")]
    return []
