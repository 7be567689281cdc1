"""`evidence`: results of plans like a signal's, measured on files of candles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.candles.reading import own_market, read_closed
from commands.console import downloading, show
from commands.options import Json, moment_ms, timeframes_of
from config.files import whole_file
from config.settings import Settings
from config.sources import load_settings
from domain.errors import InvalidRequest
from utils.clock import SystemClock

if TYPE_CHECKING:
    from backtesting.evidence.building import MeasuredMarket
    from rules.evidence.measured import MeasuredEvidence

evidence = typer.Typer(help="Results of plans like a signal's in the past.", no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(metavar="FILE", help="Files of candles, one for each market.")]
Since = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First moment, UTC; the first candle.")]
Until = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="End of the moments, UTC; the last candle.")]
Timeframes = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        help="Plans of these are measured, such as 1h,4h: made from the candles of the files; that of each by default.",
    ),
]
Plot = Annotated[Path | None, typer.Option(metavar="DIR", help="Draw what is shown, as PNG files.")]
EvidenceName = Annotated[
    str | None,
    typer.Option("--evidence", metavar="FILE", help="A file of `build`, or shipped; by default the configured one."),
]


@evidence.command()
def build(
    files: Files,
    since: Since = None,
    until: Until = None,
    timeframes: Timeframes = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="File to write.")] = Path("evidence.json"),
    as_json: Json = False,
) -> None:
    """Measure plans on files of candles and write the evidence."""
    from backtesting.evidence.building import build_evidence
    from commands.tables.evidence import evidence_tables

    built = build_evidence(_measured(files, since, until, timeframes, load_settings()), SystemClock().now())
    with whole_file(out) as part:
        part.write_text(built.model_dump_json(indent=1) + "\n", encoding="utf-8")
    show({"file": str(out), **built.model_dump(mode="json")}, evidence_tables(built, str(out)), as_json)


@evidence.command("show")
def show_evidence(name: EvidenceName = None, plot: Plot = None, as_json: Json = False) -> None:
    """Print a file of evidence."""
    from commands.tables.evidence import evidence_tables
    from services.evidence.pictures import draw_evidence

    found, named = _read(name, load_settings())
    pictures = draw_evidence(plot, found) if plot else []
    show(found.model_dump(mode="json"), evidence_tables(found, named, pictures), as_json)


@evidence.command()
def check(
    files: Files,
    since: Since = None,
    until: Until = None,
    timeframes: Timeframes = None,
    name: EvidenceName = None,
    plot: Plot = None,
    as_json: Json = False,
) -> None:
    """Hold evidence against files of candles that it was not built from."""
    from commands.tables.evidence import check_tables
    from services.evidence.pictures import draw_checks
    from services.evidence.run import check_evidence

    settings = load_settings()
    found, named = _read(name, settings)
    markets = _measured(files, since, until, timeframes, settings)
    checks, document = check_evidence(found, named, markets, settings.trading.costs)
    pictures = draw_checks(plot, checks, named) if plot else []
    tables = check_tables(checks, named, document["seen"], pictures)
    show({**document, "pictures": list(map(str, pictures))}, tables, as_json)


def _measured(
    files: Sequence[Path], since: datetime | None, until: datetime | None, timeframes: str | None, settings: Settings
) -> list[MeasuredMarket]:
    from services.evidence.parameters import MeasuredCandles, MeasuringOptions, MeasuringParameters
    from services.evidence.run import measure

    options = MeasuringOptions(
        timeframes=timeframes_of(timeframes), since_ms=moment_ms(since), until_ms=moment_ms(until)
    )

    def read(at: int, file: Path) -> MeasuredCandles:
        tell(f"reading {file.name}", at / len(files))
        found = read_closed(file, None)
        return MeasuredCandles(file.name, own_market(found, file), found.series)

    with downloading() as tell:
        candles = (read(at, file) for at, file in enumerate(files))
        return measure(candles, len(files), MeasuringParameters.of(options, settings), tell)


def _read(name: str | None, settings: Settings) -> tuple[MeasuredEvidence, str]:
    from services.evidence.file import SETTING, read_evidence

    named, named_by = (settings.trading.evidence_file, SETTING) if name is None else (name, "--evidence")
    found = read_evidence(named, named_by)
    if found is None:
        raise InvalidRequest(f"no evidence is configured ({SETTING}): name a file with --evidence")
    return found, named
