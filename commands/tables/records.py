"""Tables of the records of the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from services.ledger.scoring.documents import horizon_name
from services.ledger.scoring.records import Record


def record_table(records: Sequence[Record]) -> Table:
    """Return the records with counts, intervals and verdicts; an empty one says that nothing is settled yet."""
    titles = ("lane", "candles", "horizon", "of", "calls", "independent", "hit rate (95 %)", "base rate")
    figures = ("R", "net R", "net bps", "Brier", "ECE", "verdict")
    table = Table(*titles, *figures, caption=None if records else "no answer of these days is settled yet")
    for record in records:
        key = record.key
        apart = (key.lane_id, key.symbol, key.side, key.bin, key.day)
        table.add_row(
            *(key.lane, key.timeframe, horizon_name(key.horizon)),
            " ".join(str(part) for part in apart if part) or "all",
            *(f"{record.count:,}", f"{record.effective:,.0f}", _share(record)),
            "-" if record.base_rate is None else f"{record.base_rate:.1%}",
            *(_number(record.r, 2), _number(record.net_r, 2), _number(record.net_bps, 1)),
            *(_number(record.brier, 3), _number(record.ece, 3), record.verdict),
        )
    return table


def _share(record: Record) -> str:
    if record.hit_rate is None or record.low is None or record.high is None:
        return "-"
    return f"{record.hit_rate:.1%} ({record.low:.1%} to {record.high:.1%})"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:+.{digits}f}"
