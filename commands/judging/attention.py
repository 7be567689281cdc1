"""`models attention`: which candles of its window a Transformer looked at, as a picture."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.candles.reading import tell
from commands.console import show, working
from commands.manager import holder_of
from commands.options import CandleFile, Json, ScopeSymbol, Version, moment_ms
from commands.versions import choose_version
from config.files import whole_file
from config.sources import load_settings
from domain.errors import InsufficientData
from domain.values import utc_time

if TYPE_CHECKING:
    from models.serving.attention import Attention

# Candles in the table.
SHOWN = 8


def attention(
    version: Version,
    file: CandleFile,
    plot: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Write a picture.")] = None,
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d"], help="Forecast at the last close by then, UTC."),
    ] = None,
    symbol: ScopeSymbol = None,
    usual: Annotated[int, typer.Option(min=1, max=5_000, help="Windows of the mean beside it.")] = 500,
    as_json: Json = False,
) -> None:
    """Show which candles of its window a Transformer looked at for the forecast at the newest candle of a file."""
    with working() as now:
        now(f"reading {file.name}")
        _, registry = holder_of(load_settings(), version)
        chosen = choose_version(registry, version, file, symbol, None)
        series = chosen.series if at is None else chosen.series.closed_by(moment_ms(at))
        if not len(series):
            raise InsufficientData(f"{file.name} has no candle that closed by {at}")

        from models.serving.attention import attention_of

        now(f"asking {version}")
        attention = attention_of(registry.open(version), series, usual)
        length = len(attention.newest)
        times, closes = series.times_ms[-length:], series.closes[-length:]
        if plot is not None:
            from models.evaluation.attention_plot import write_attention
            from models.evaluation.plots import Subject

            what = f"which candles the forecast looked at: probability of a rise {attention.probability_up:.4f}"
            subject = Subject(version, chosen.symbol, series.timeframe)
            with whole_file(plot) as part:
                write_attention(part, times, closes, attention.newest, attention.usual, attention.heads, subject, what)
    if not as_json:
        tell(file, chosen.read)
    document = {
        "version": version,
        "symbol": chosen.symbol,
        "timeframe": series.timeframe,
        "probability_up": attention.probability_up,
        "candles": [
            {"time": utc_time(int(time)).isoformat(), "weight": float(weight), "usual": float(often)}
            for time, weight, often in zip(times, attention.newest, attention.usual, strict=True)
        ],
        "heads": attention.heads.tolist(),
        "forecasts": attention.forecasts,
        "picture": str(plot) if plot else None,
    }
    show(document, _words(attention, document["candles"], plot), as_json)


def _words(attention: Attention, candles: list[dict[str, object]], plot: Path | None) -> str:
    order = attention.newest.argsort()[::-1][:SHOWN]
    lines = [
        f"probability of a rise {attention.probability_up:.4f}; the candles that it looked at most, of {len(candles)}:",
        *(
            f"{candles[place]['time']}  {attention.newest[place]:6.1%}, usually {attention.usual[place]:6.1%}"
            for place in order.tolist()
        ),
        f"all alike would be {1 / len(candles):.1%}; usually: the mean of {attention.forecasts:,} forecasts",
    ]
    return "\n".join([*lines, *([f"picture: {plot}"] if plot else [])])
