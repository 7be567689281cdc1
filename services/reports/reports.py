"""Reports of the service: made on order, kept, and sent to the operators where something is wrong."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from loguru import logger

from config.report_settings import ReportSettings
from domain.errors import StorageUnavailable
from domain.notices import Notice, NoticeLevel
from domain.reports import Report, ReportFinding, ReportKind, ReportLevel
from services.reports.cost_report import CostReporter
from services.reports.findings import ReportContent
from services.reports.health_report import HealthReporter
from services.reports.kept_reports import KeptReports
from services.reports.performance_report import PerformanceReporter
from services.reports.portfolio_report import PortfolioReporter
from utils import metrics
from utils.clock import Clock

Notify = Callable[[Notice], None]
_LEVELS = {
    ReportLevel.OK: NoticeLevel.INFO,
    ReportLevel.WARNING: NoticeLevel.WARNING,
    ReportLevel.CRITICAL: NoticeLevel.CRITICAL,
}


class Reports:
    """Makes one report of a kind at each call; each raises as its reporter does, and `StorageUnavailable` as `keep`.

    Attributes:
        kept: The reports that were made.
    """

    def __init__(
        self,
        *,
        health: HealthReporter,
        portfolio: PortfolioReporter,
        cost: CostReporter,
        performance: PerformanceReporter,
        kept: KeptReports,
        notify: Notify,
        settings: ReportSettings,
        clock: Clock,
    ) -> None:
        """Keep the parts; `notify` takes what operators are to know."""
        self._health = health
        self._portfolio = portfolio
        self._cost = cost
        self._performance = performance
        self.kept = kept
        self._notify = notify
        self._settings = settings
        self._clock = clock

    async def health(self) -> Report:
        """Report what does not work."""
        return await self._made(ReportKind.HEALTH, self._health.report)

    async def portfolio(self) -> Report:
        """Report the trading engine's account."""
        return await self._made(ReportKind.PORTFOLIO, self._portfolio.report)

    async def cost(self) -> Report:
        """Report what the LLM costs."""
        return await self._made(ReportKind.COST, self._cost.report)

    async def performance(self) -> Report:
        """Report win rates and Sharpe ratios."""
        return await self._made(ReportKind.PERFORMANCE, self._performance.report)

    async def keep(
        self, kind: ReportKind, summary: str, figures: dict[str, Any], findings: Sequence[ReportFinding]
    ) -> Report:
        """Send and keep a report that was made elsewhere, and return it.

        Raises:
            StorageUnavailable: neither the store nor a local file takes it; it was sent.
        """
        worst_first = sorted(findings, key=lambda finding: -finding.level.rank)
        report = Report(
            report_id=uuid.uuid4().hex,
            kind=kind,
            created_at=self._clock.now(),
            level=worst_first[0].level if worst_first else ReportLevel.OK,
            summary=summary,
            figures=figures,
            findings=tuple(worst_first),
        )
        metrics.REPORTS.labels(kind, report.level).inc()
        logger.bind(kind=kind.value, level=report.level.value, summary=summary).info("report made")
        recovered = report.level is ReportLevel.OK and await self._was_bad(kind)
        if report.level is not ReportLevel.OK or recovered or kind in self._settings.always_notify:
            self._notify(_notice(report, recovered=recovered))
        await self.kept.keep(report)
        return report

    async def _made(self, kind: ReportKind, report: Callable[[], Awaitable[ReportContent]]) -> Report:
        content = await report()
        return await self.keep(kind, content.summary, content.figures, content.findings)

    async def _was_bad(self, kind: ReportKind) -> bool:
        """Return whether the report before was no good one."""
        try:
            before = await self.kept.newest(1, kind)
        except StorageUnavailable:
            return False
        return bool(before) and before[0].level is not ReportLevel.OK


def _notice(report: Report, *, recovered: bool) -> Notice:
    """Return the notice of a report: one with other findings is another notice, a good one is news every day."""
    subjects = sorted({finding.subject for finding in report.findings if finding.level.rank})
    about = ", ".join(subjects) if subjects else ("recovered " if recovered else "") + report.created_at.isoformat()
    state = "works again" if recovered else report.level.value
    return Notice(
        key=f"report.{report.kind}: {about}",
        level=_LEVELS[report.level],
        title=f"{report.kind.replace('_', ' ').capitalize()} report: {state}",
        text="\n".join([report.summary, *(f"{finding.level}: {finding.text}" for finding in report.findings)]),
        created_at=report.created_at,
    )
