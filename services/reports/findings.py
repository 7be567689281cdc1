"""Findings of a reporter, before they are a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain.reports import ReportFinding, ReportLevel


@dataclass(frozen=True)
class ReportContent:
    """A report without its id, time and kind.

    Attributes:
        summary: A line for people.
        figures: JSON-like; None for what is not known.
        findings: In any order.
    """

    summary: str
    figures: dict[str, Any]
    findings: Sequence[ReportFinding]


def fine(subject: str, text: str) -> ReportFinding:
    """Return a finding that only has to be said."""
    return ReportFinding(level=ReportLevel.OK, subject=subject, text=text)


def warning(subject: str, text: str) -> ReportFinding:
    """Return a finding that somebody should look at."""
    return ReportFinding(level=ReportLevel.WARNING, subject=subject, text=text)


def critical(subject: str, text: str) -> ReportFinding:
    """Return a finding that cannot wait."""
    return ReportFinding(level=ReportLevel.CRITICAL, subject=subject, text=text)
