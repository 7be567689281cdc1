"""Tables of evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from backtesting.evidence.checking import EvidenceCheck
from commands.tables.figures import mean_text
from rules.evidence.measured import MeasuredEvidence, TimeframeRecord


def evidence_tables(evidence: MeasuredEvidence, name: str, pictures: Sequence[Path] = ()) -> Group:
    """Return the weight, the folds and the records of the strategies of each timeframe."""
    parts: list[RenderableType] = [Text(f"{name}, built {evidence.built_at}")]
    for record in evidence.records:
        parts += _record(record)
    parts += [Text(f"\n{timeframe} has no record: {lack}.") for timeframe, lack in evidence.left_out.items()]
    return Group(*parts, *_drawn(pictures))


def _record(record: TimeframeRecord) -> list[RenderableType]:
    head = Text(
        f"\n{record.built_from}: {record.samples:,} plans, as many as {record.plans:,} independent ones.\n"
        f"The support of a trend weighs {record.weight:+.3f} in log odds, standard error {record.error:.3f}"
        f"{_own(record)}."
    )
    folds = Table(title=f"{record.timeframe}: years predicted by the years before", title_justify="left")
    for heading in ("year", "plans", "target first, predicted", "observed", "calibration error"):
        folds.add_column(heading, justify="right")
    for year in record.folds:
        folds.add_row(
            str(year.year),
            f"{year.plans:,}",
            f"{year.predicted:.3f}",
            f"{year.came:.3f}",
            f"{year.calibration_error:.3f}",
        )
    records = Table(title=f"{record.timeframe}: strategies, when they lean to a side", title_justify="left")
    records.add_column("strategy")
    for heading in ("right after 1 candle", "4 candles", "24 candles", "target first", "R of their plans", "moments"):
        records.add_column(heading, justify="right")
    for strategy in record.strategies:
        hits = [mean_text(found, ".1%") for found in strategy.right.values()]
        records.add_row(
            strategy.name,
            *hits,
            mean_text(strategy.target_first, ".1%"),
            mean_text(strategy.expected_r),
            f"{strategy.expected_r.cases:,}",
        )
    return [head, folds, records]


def _own(record: TimeframeRecord) -> str:
    if record.own_weight == record.weight:
        return ""
    return f"; on {record.timeframe} alone {record.own_weight:+.3f}, standard error {record.own_error:.3f}"


def check_tables(
    checks: Sequence[EvidenceCheck], name: str, seen: Mapping[str, float], pictures: Sequence[Path] = ()
) -> Group:
    """Return the results of plans beside what was stated, and the share that the evidence was measured on by market."""
    if not checks:
        return Group(Text(f"No plan was given in this time: nothing is compared with {name}."))
    table = Table(title=f"Plans given, compared with {name}", title_justify="left")
    table.add_column("market")
    headings = (
        "with a plan",
        "plans",
        "target first",
        "stated",
        "calibration error",
        "gross R",
        "gross bps",
        "random R",
    )
    for heading in (*headings, "R above random", "verdict"):
        table.add_column(heading, justify="right")
    for check in checks:
        stated = (f"{share:.3f}" for share in (check.target_first, check.stated, check.calibration_error))
        observed = mean_text(check.gross_r), mean_text(check.gross_bps, "+.0f"), mean_text(check.random_r)
        above = mean_text(check.above_random_r), check.verdict
        table.add_row(check.market, f"{check.directional:.1%}", f"{check.plans:,}", *stated, *observed, *above)
    groups = Table(title="By confidence: a third of the plans each", title_justify="left")
    groups.add_column("market")
    for heading in ("confidence", "stated R after costs", "observed", "target first"):
        groups.add_column(heading, justify="right")
    for check in checks:
        for group in check.groups:
            groups.add_row(
                check.market,
                f"{group.confidence:.3f}",
                f"{group.stated_r:+.3f}",
                mean_text(group.came_r),
                f"{group.target_first:.3f}",
            )
    told = [
        Text(f"\n{share:.0%} of the plans of {market} were made in the time that {name} was measured on.")
        for market, share in seen.items()
    ]
    return Group(table, groups, *told, *_drawn(pictures))


def _drawn(pictures: Sequence[Path]) -> list[RenderableType]:
    return [Text(f"\npictures: {', '.join(map(str, pictures))}")] if pictures else []
