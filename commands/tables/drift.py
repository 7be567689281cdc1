"""Drift of the models in production as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table

if TYPE_CHECKING:
    from services.drift.findings import DriftFinding


def drift_listed(found: Sequence[DriftFinding]) -> Group | str:
    """Return the findings as a table, with the reason and the advice of each below it."""
    if not found:
        return "no model is in production"
    table = Table("model", "version", "status", "checked", "candles", "drifted", "furthest feature", "brier")
    for one in found:
        table.add_row(
            one.market,
            one.version,
            one.status,
            f"{one.checked_at:%Y-%m-%d %H:%M}" if one.checked_at else "-",
            str(one.candles),
            f"{one.drifted} of {one.features}" if one.features else "-",
            f"{one.worst[0].feature} PSI {one.worst[0].psi:.2f} KS {one.worst[0].ks:.2f}" if one.worst else "-",
            f"{one.brier.recent:.4f} of {one.brier.count}" if one.brier and one.brier.recent is not None else "-",
        )
    words = [f"{one.market}: {one.reason}; {one.advice}" for one in found]
    return Group(table, *words)
