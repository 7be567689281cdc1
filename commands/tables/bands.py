"""The table of bands of prices that were given out."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from services.ledger.bands.given import BandCoverage

COUNTS = ("settled", "stretches", "waiting", "missing")


def band_table(bands: Sequence[BandCoverage]) -> Table:
    """Return the shares that bands held beside those that they are meant to hold; an empty one says that there is none."""
    table = Table(caption=None if bands else "no band of prices was given out in these days")
    for name in ("candles", "ahead"):
        table.add_column(name)
    for name in ("meant to hold", "held (95 %)", *COUNTS):
        table.add_column(name, justify="right")
    for band in bands:
        counts = (f"{getattr(band, name):,}" for name in COUNTS)
        table.add_row(band.timeframe, f"{band.horizon}", f"{band.coverage:.1%}", _share(band), *counts)
    return table


def _share(band: BandCoverage) -> str:
    if band.share is None or band.low is None or band.high is None:
        return "-"
    return f"{band.share:.1%} ({band.low:.1%} to {band.high:.1%})"
