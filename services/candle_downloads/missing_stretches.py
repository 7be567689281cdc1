"""What a stored series lacks of a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from domain.continuity import holes
from domain.market import CandleSeries
from services.market_data.history.answers import ANSWER_CANDLES


class Stretch(NamedTuple):
    """A time to read: open times from `start_ms` on, closes until `end_ms`, epoch ms."""

    start_ms: int
    end_ms: int


def missing_stretches(stored: CandleSeries, since_ms: int, until_ms: int) -> list[Stretch]:
    """Return the stretches of a time that a series lacks, oldest first; nights, weekends and holidays are none.

    A stretch begins and ends with the candles that are there beside it, so that their prices can be compared. Holes
    that one answer of a source spans are one stretch.
    """
    length_ms = stored.timeframe.ms
    if not len(stored):
        return [Stretch(since_ms, until_ms)]
    first_ms, last_ms = int(stored.times_ms[0]), int(stored.times_ms[-1])
    found: list[Stretch] = []
    if since_ms + length_ms <= first_ms:
        found.append(Stretch(since_ms, min(first_ms + length_ms, until_ms)))
    found += _of_holes(stored, ANSWER_CANDLES * length_ms)
    # The candle after the last one has to have closed by the end.
    if last_ms + 2 * length_ms <= until_ms:
        found.append(Stretch(last_ms, until_ms))
    return found


def _of_holes(stored: CandleSeries, together_ms: int) -> Iterator[Stretch]:
    length_ms = stored.timeframe.ms
    open_one: Stretch | None = None
    for hole in holes(stored):
        begin_ms, end_ms = hole.start_ms - length_ms, hole.end_ms + length_ms
        if open_one is not None and end_ms - open_one.start_ms <= together_ms:
            open_one = open_one._replace(end_ms=end_ms)
            continue
        if open_one is not None:
            yield open_one
        open_one = Stretch(begin_ms, end_ms)
    if open_one is not None:
        yield open_one
