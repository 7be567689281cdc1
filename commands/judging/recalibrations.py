"""Recalibrations of a version as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table

from commands.tables.figures import facts_table, headed_table
from domain.values import minute_text
from models.recalibration.records import Recalibration


def recalibrated_tables(own: Sequence[Recalibration]) -> list[RenderableType]:
    """Return what was fitted on the settled forecasts of a version, and the one in force; nothing without any."""
    if not own:
        return []
    in_force = next((recalibration for recalibration in reversed(own) if recalibration.taken), None)
    facts = {"in force": "the calibration of the training"}
    if in_force is not None:
        symbols = (f"{symbol} {recalibration.slope:.3f}" for symbol, recalibration in in_force.symbols.items())
        facts = {
            "in force": f"since {in_force.at:%Y-%m-%d %H:%M:%S} UTC",
            "slopes": f"{in_force.pooled.slope:.3f} of all, {', '.join(symbols)}",
        }
    facts["newest"] = own[-1].reason
    return [_all(own), facts_table(facts)]


def _all(own: Sequence[Recalibration]) -> Table:
    table = headed_table(
        *("judged at", "forecasts from", "to", "fitted", "judged", "slope", "Brier before", "after", "taken"),
        title="Recalibrations from settled forecasts",
    )
    for recalibration in own:
        figures = recalibration.comparison
        table.add_row(
            f"{recalibration.at:%Y-%m-%d %H:%M}",
            minute_text(recalibration.first_ms),
            minute_text(recalibration.last_ms),
            f"{recalibration.fitted:,}",
            f"{recalibration.judged:,}",
            f"{recalibration.pooled.slope:.3f}",
            "-" if figures.against_brier is None else f"{figures.against_brier:.5f}",
            "-" if figures.brier is None else f"{figures.brier:.5f}",
            "yes" if recalibration.taken else "no",
        )
    return table
