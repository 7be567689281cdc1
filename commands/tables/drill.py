"""Tables of a drill; each says that it is simulated."""

from __future__ import annotations

from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.ledger.drill.result import DrillResult

_SIMULATED = "Simulated: candles, model and clock are made up, and nothing of it is in the service's ledger."


def drill_tables(result: DrillResult) -> RenderableType:
    """Return a drill as tables."""
    return Group(Text(_SIMULATED), _counts(result), _records(result), _seconds(result), Text(_conclusion(result)))


def _counts(result: DrillResult) -> Table:
    parameters = result.parameters
    size = f"{parameters.days} days, {parameters.symbols} markets"
    title = f"{size}, {parameters.timeframe} candles, seed {parameters.walk.seed}"
    table = Table("lane", "entries", "Neutral", title=f"{title} (simulated)")
    for lane, counts in result.lanes.items():
        table.add_row(lane, f"{counts.entries:,}", f"{counts.neutral_share:.1%}")
    table.add_row("all", f"{result.entries:,}", f"{result.neutral_share:.1%}")
    table.caption = f"{result.settled:,} of {result.owed:,} horizons settled"
    return table


def _records(result: DrillResult) -> Table:
    titles = ("lane", "horizon", "calls", "independent", "hit rate (95 %)", "R (95 %)", "verdict")
    table = Table(*titles, "truth covered at every look", "lift on day", title="records (simulated)")
    for known in result.watched:
        record = known.record
        covered = "-" if known.covers is None or result.parameters.walk.edge else "yes" if known.covers else "no"
        table.add_row(
            *(record.key.lane, str(record.key.horizon or "plan"), f"{record.count:,}", f"{record.effective:,.0f}"),
            _interval(record.hit_rate, record.low, record.high, ".1%"),
            _interval(record.r, record.r_low, record.r_high, "+.2f"),
            *(record.verdict, covered, "-" if known.lift_day is None else str(known.lift_day)),
        )
    return table


def _interval(value: float | None, low: float | None, high: float | None, form: str) -> str:
    if value is None:
        return "-"
    return f"{value:{form}}" + ("" if low is None or high is None else f" ({low:{form}} to {high:{form}})")


def _seconds(result: DrillResult) -> Table:
    table = Table("step", "seconds", title="measured on this machine")
    for name, seconds in asdict(result.seconds).items():
        table.add_row(name.replace("_", " "), f"{seconds:.3f}" if seconds < 1 else f"{seconds:.1f}")
    return table


def _conclusion(result: DrillResult) -> str:
    if result.parameters.walk.edge:
        day = result.found_day
        return "The planted edge was not found." if day is None else f"The planted edge was found after {day} days."
    if any(result.failures()):
        return "There is no edge in these candles, and the ledger did not show that."
    return "There is no edge in these candles, and the ledger found none."
