"""The picture of the track record: hit rates with their intervals, beside the base rate."""

from __future__ import annotations

from collections.abc import Sequence

from domain.ledger.entries import PLAN
from services.ledger.pictures.svg import ACCENT, INK, dot, line, picture, text
from services.ledger.scoring.records import Record

# More rows than this are no picture; those with the most calls are shown.
MAX_ROWS = 30
_WIDTH, _ROW, _TOP, _BOTTOM = 760.0, 26.0, 52.0, 44.0
_LEFT, _RIGHT = 210.0, 490.0


def track_record_picture(records: Sequence[Record], days: int) -> str:
    """Return hit rates as SVG: a dot with its interval, a stroke at the base rate, count and verdict in words."""
    measured = [record for record in records if record.count]
    most = set(map(id, sorted(measured, key=lambda record: -record.count)[:MAX_ROWS]))
    shown = [record for record in measured if id(record) in most]
    title = f"Track record of the last {days} days"
    height = _TOP + _ROW * max(len(shown), 1) + _BOTTOM
    bottom = height - _BOTTOM
    parts = [text(16, 24, title, size=15), text(_LEFT, 44, "hit rate, 95 % interval at every look", size=11)]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts += [
            line(_x(share), _TOP, _x(share), bottom, width=0.5),
            text(_x(share), bottom + 16, f"{share:.0%}", "middle", 11),
        ]
    parts.append(text(16, bottom + 34, "stroke: always Long or always Short, whichever is better", size=11))
    if not shown:
        parts.append(text(_x(0.5), _TOP + 18, "no settled calls yet", "middle"))
    for number, record in enumerate(shown):
        parts += _row(_TOP + _ROW * (number + 0.5), record)
    words = ". ".join(map(_words, shown)) or "No settled calls yet"
    return picture(_WIDTH, height, title, f"{words}.", parts)


def _x(share: float) -> float:
    return _LEFT + share * (_RIGHT - _LEFT)


def _row(y: float, record: Record) -> list[str]:
    low, high, share, base = (
        _x(value or 0.0) for value in (record.low, record.high, record.hit_rate, record.base_rate)
    )
    verdict = f"{record.count} calls, {record.effective:.0f} independent: {record.verdict}"
    return [
        text(16, y + 4, _name(record)),
        line(low, y, high, y, ACCENT, 2),
        line(base, y - 8, base, y + 8, INK, 2),
        dot(share, y),
        text(_RIGHT + 14, y + 4, verdict),
    ]


def _name(record: Record) -> str:
    key = record.key
    horizon = "plan" if key.horizon == PLAN else f"{key.horizon} candle{'s' if key.horizon > 1 else ''}"
    apart = [str(part) for part in (key.lane_id, key.symbol, key.side, key.bin, key.day) if part]
    return ", ".join([f"{key.lane} {key.timeframe}", horizon, *apart])


def _words(record: Record) -> str:
    return (
        f"{_name(record)}: right in {record.hit_rate or 0:.1%} of {record.count} calls "
        f"({record.low or 0:.1%} to {record.high or 0:.1%}), base rate {record.base_rate or 0:.1%}, {record.verdict}"
    )
