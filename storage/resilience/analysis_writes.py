"""Analyses on their way to the store: their text in the spool, and their candles, which go first when too many wait."""

from __future__ import annotations

import json
from dataclasses import replace

from domain.analysis import Analysis
from domain.market import Candle, Timeframe
from storage.ports import NO_CANDLES, AnalysisWrite
from storage.resilience.item_type import ItemType


def lasting(write: AnalysisWrite) -> bool:
    """Return whether a part of it is kept for longer than the cache."""
    return write.archive or bool(write.candles)


def count_candles(write: AnalysisWrite) -> int:
    """Return how many candles it has, all timeframes together."""
    return sum(map(len, write.candles.values()))


def without_candles(write: AnalysisWrite) -> AnalysisWrite | None:
    """Return the write without its candles, None where it has nothing else that lasts.

    An analysis without them still counts, and clients post the same candles again.
    """
    return replace(write, candles=NO_CANDLES) if write.archive else None


def encode(write: AnalysisWrite) -> str:
    """Return the write as JSON text.

    Raises:
        ValueError: a text in it is not valid Unicode.
    """
    rest = {
        "cache_key": write.cache_key,
        "archive": write.archive,
        "candles": {
            timeframe.value: [[c.timestamp, c.open, c.high, c.low, c.close, c.volume] for c in series]
            for timeframe, series in write.candles.items()
        },
    }
    return f'{json.dumps(rest, separators=(",", ":"))[:-1]},"analysis":{write.analysis.model_dump_json()}}}'


def decode(text: str) -> AnalysisWrite:
    """Return the write of a text by `encode`.

    Raises:
        ValueError, KeyError, TypeError: another version of the service made it.
    """
    found = json.loads(text)
    return AnalysisWrite(
        cache_key=found["cache_key"],
        analysis=Analysis.model_validate(found["analysis"]),
        archive=found["archive"],
        candles={
            Timeframe(timeframe): [Candle(*row) for row in series] for timeframe, series in found["candles"].items()
        },
    )


ANALYSES = ItemType(
    key=lambda write: write.analysis.analysis_id,
    encode=encode,
    decode=decode,
    lasting=lasting,
    weight=count_candles,
    lightened=without_candles,
)
