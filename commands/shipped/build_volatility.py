"""`models build-volatility`: fit the forecast of volatility that comes with the service, and measure it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from commands.candles.reading import checked_scope, own_market, read_closed, tell
from commands.console import show, working
from commands.options import Json, moment_ms
from config.files import whole_file
from config.sources import load_settings
from domain.market import CandleSeries, Timeframe

DEFAULT_FILE = Path(__file__).resolve().parents[2] / "config" / "volatility.json"
LAST_DAY = datetime(2022, 12, 31)  # noqa: DTZ001 - a day, not a moment


def build_volatility(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Candles of markets.")],
    timeframe: Annotated[Timeframe, typer.Option(help="Candles to fit on.")] = Timeframe.H1,
    to: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day to fit on, UTC; the figures are of later candles.")
    ] = LAST_DAY,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="File that is replaced.", show_default="that of the service")
    ] = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Fit the forecast of volatility on all files together, write it, and print how it does on later candles."""
    settings, markets = load_settings(), dict[str, CandleSeries]()
    with working() as now:
        for file in files:
            now(f"reading {file.name}")
            found = read_closed(file, timeframe)
            if not as_json:
                tell(file, found)
            markets[checked_scope(own_market(found, file))] = found.series

        from commands.tables.volatility import built_volatility
        from services.training.default_volatility import build_default_volatility

        now("fitting")
        until_ms = moment_ms(to + timedelta(days=1))
        built = build_default_volatility(markets, until_ms, settings.models, now)
    with whole_file(out) as part:
        part.write_text(built.model.model_dump_json(indent=1) + "\n", encoding="utf-8")
    document = {
        "file": str(out),
        "skills": {skill.step: skill.skill.model_dump(mode="json") for skill in built.skills},
        "held": {band.market: {"forecasts": band.count, "shares": band.held.tolist()} for band in built.bands},
    }
    show(document, built_volatility(built.skills, built.bands), as_json)
