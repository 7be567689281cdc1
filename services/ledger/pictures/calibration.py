"""The picture of the calibration: what occurred against what was stated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.ledger.entries import PLAN
from services.ledger.pictures.svg import ACCENT, dot, line, picture, text
from services.ledger.scoring.calibration import CalibrationBin
from services.ledger.scoring.records import RecordKey

# Side by side; those with the most statements are shown.
MAX_PANELS = 3
_SIDE, _GAP, _TOP, _LEFT = 200.0, 70.0, 74.0, 56.0
_HEIGHT = _TOP + _SIDE + 56


def calibration_picture(bins: Mapping[RecordKey, Sequence[CalibrationBin]], days: int) -> str:
    """Return a reliability diagram as SVG for each lane, timeframe and horizon that states probabilities."""
    most = sorted(bins.items(), key=lambda panel: -_count(panel[1]))[:MAX_PANELS]
    title = f"Calibration of the last {days} days"
    parts = [text(16, 24, title, size=15)]
    for number, (key, own) in enumerate(most):
        parts += _panel(_LEFT + number * (_SIDE + _GAP), key, own)
    if not most:
        parts.append(text(16, _TOP, "no stated probability is settled yet"))
    width = max(_LEFT + len(most) * (_SIDE + _GAP), 340)
    words = ". ".join(f"{_name(key)}: {_words(own)}" for key, own in most) or "No stated probability is settled yet"
    return picture(width, _HEIGHT, title, f"{words}.", parts)


def _panel(left: float, key: RecordKey, bins: Sequence[CalibrationBin]) -> list[str]:
    def x(share: float) -> float:
        return left + share * _SIDE

    def y(share: float) -> float:
        return _TOP + (1 - share) * _SIDE

    parts = [
        text(left, _TOP - 24, _name(key)),
        text(left, _TOP - 9, f"{_count(bins)} statements; upwards: occurred", size=11),
        line(x(0), y(0), x(1), y(1)),
        text(x(0.5), y(0) + 34, "stated", "middle", 11),
    ]
    for share in (0.0, 0.5, 1.0):
        parts += [
            line(x(share), y(0), x(share), y(1), width=0.5),
            line(x(0), y(share), x(1), y(share), width=0.5),
            text(x(share), y(0) + 16, f"{share:.0%}", "middle", 11),
            text(x(0) - 6, y(share) + 4, f"{share:.0%}", "end", 11),
        ]
    for group in bins:
        at = x(group.stated)
        parts += [line(at, y(group.low), at, y(group.high), ACCENT, 1.5), dot(at, y(group.occurred), 3.5)]
        parts.append(text(at + 5, y(group.occurred) - 5, str(group.count), size=10))
    return parts


def _count(bins: Sequence[CalibrationBin]) -> int:
    return sum(group.count for group in bins)


def _name(key: RecordKey) -> str:
    what = "target first" if key.horizon == PLAN else "next candle rises"
    return f"{key.lane} {key.timeframe}: {what}"


def _words(bins: Sequence[CalibrationBin]) -> str:
    return "; ".join(
        f"stated {own.stated:.0%}, occurred {own.occurred:.0%} of {own.count} ({own.low:.0%} to {own.high:.0%})"
        for own in bins
    )
