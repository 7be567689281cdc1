"""Reports: what was found at a moment, by figures."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.values import Frozen


class ReportKind(StrEnum):
    """What a report is about."""

    HEALTH = "health"
    PORTFOLIO = "portfolio"
    COST = "cost"
    PERFORMANCE = "performance"
    SELF_ANALYSIS = "self_analysis"


class ReportLevel(StrEnum):
    """How bad it is, in ascending order."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for ok, 2 for critical."""
        return list(ReportLevel).index(self)


class ReportFinding(Frozen):
    """One finding of a report.

    Attributes:
        level: How bad it is; ok for what has only to be said.
        subject: What it is about, such as `store` or `daily cost`.
        text: A sentence with the figures.
    """

    level: ReportLevel
    subject: str
    text: str


class Report(Frozen):
    """A report of one kind, made at one moment.

    Attributes:
        level: That of its worst finding.
        summary: A line for people.
        figures: JSON-like; null for what is not known.
        findings: The worst first.
    """

    report_id: str
    kind: ReportKind
    created_at: datetime
    level: ReportLevel
    summary: str
    figures: dict[str, Any]
    findings: tuple[ReportFinding, ...]
