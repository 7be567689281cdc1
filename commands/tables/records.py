"""Tables of the ledger: records of calls, and how bands of prices held."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from commands.tables.figures import formatted
from services.ledger.price_bands import BandCoverage
from services.ledger.scoring.documents import horizon_name
from services.ledger.scoring.records import Record, RecordKey

INDEPENDENT = "calls: in brackets how many of them are independent"
BAND_COUNTS = ("settled", "stretches", "waiting", "missing")


def record_table(records: Sequence[Record]) -> Table:
    """Return the records with counts, intervals and verdicts; an empty one says that nothing is settled yet.

    Rows fit a terminal of 120 columns.
    """
    table = Table(
        box=SIMPLE_HEAD, pad_edge=False, caption=INDEPENDENT if records else "no answer of these days is settled yet"
    )
    for name in ("lane", "after"):
        table.add_column(name)
    grouped = any(_group(record.key) for record in records)
    if grouped:
        table.add_column("of")
    for name in ("calls", "hit rate (95 %)", "base rate", "R, net R", "net bps", "Brier", "ECE"):
        table.add_column(name, justify="right", no_wrap=name.startswith("hit"))
    table.add_column("verdict")
    for record in records:
        key = record.key
        table.add_row(
            *(f"{key.lane} {key.timeframe}", horizon_name(key.horizon), *([_group(key)] if grouped else [])),
            f"{record.count:,} ({record.effective:,.0f})",
            _share(record.hit_rate, record.low, record.high),
            "-" if record.base_rate is None else f"{record.base_rate:.1%}",
            "-" if record.r is None else f"{formatted(record.r, '+.2f')}, {formatted(record.net_r, '+.2f')}",
            *(formatted(record.net_bps, "+.1f"), formatted(record.brier, ".3f"), formatted(record.ece, ".3f")),
            record.verdict,
        )
    return table


def band_table(bands: Sequence[BandCoverage]) -> Table:
    """Return the shares of closes that bands held, beside what they are meant to hold; an empty one says so."""
    table = Table(caption=None if bands else "no band of prices was given out in these days")
    for name in ("candles", "ahead"):
        table.add_column(name)
    for name in ("meant to hold", "held (95 %)", *BAND_COUNTS):
        table.add_column(name, justify="right", no_wrap=name.startswith("held"))
    for band in bands:
        counts = (f"{getattr(band, name):,}" for name in BAND_COUNTS)
        table.add_row(
            band.timeframe, f"{band.horizon}", f"{band.coverage:.1%}", _share(band.share, band.low, band.high), *counts
        )
    return table


def _group(key: RecordKey) -> str:
    return " ".join(str(part) for part in (key.lane_id, key.symbol, key.side, key.bin, key.day) if part)


def _share(share: float | None, low: float | None, high: float | None) -> str:
    return "-" if share is None or low is None or high is None else f"{share:.1%} [{100 * low:.1f}, {100 * high:.1f}]"
