"""Drift of the models in production as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table

if TYPE_CHECKING:
    from services.drift.findings import DriftFinding


def drift_listed(findings: Sequence[DriftFinding]) -> Group | str:
    """Return the findings as a table, with the reason and the advice of each below it."""
    if not findings:
        return "no model is in production"
    table = Table("model", "version", "status", "checked", "candles", "drifted", "furthest feature", "brier")
    for finding in findings:
        worst, brier = finding.worst[0] if finding.worst else None, finding.brier
        table.add_row(
            finding.market,
            finding.version,
            finding.status,
            f"{finding.checked_at:%Y-%m-%d %H:%M}" if finding.checked_at else "-",
            str(finding.candles),
            f"{finding.drifted} of {finding.features}" if finding.features else "-",
            f"{worst.feature} PSI {worst.psi:.2f} KS {worst.ks:.2f}" if worst else "-",
            f"{brier.recent:.4f} of {brier.count}" if brier and brier.recent is not None else "-",
        )
    words = [f"{finding.market}: {finding.reason}; {finding.advice}" for finding in findings]
    return Group(table, *words)
