"""What there is of a market after a download: the first candle, the last one, and the holes between them."""

from __future__ import annotations

from typing import Any

from domain.candles.columns import CandleLike
from domain.continuity import holes
from domain.market import CandleSeries


def series_report(series: CandleSeries) -> dict[str, Any]:
    """Return what a series in the sessions of its market holds, as plain values.

    Returns:
        `candles`, their number; `first` and `last`, candles or None; `missing`, the number of candles in the `holes`,
        each with `from` and `to` in epoch ms and its number of `candles`.
    """
    found = holes(series) if len(series) else []
    return {
        "candles": len(series),
        "first": candle_document(series.candles[0]) if len(series) else None,
        "last": candle_document(series.candles[-1]) if len(series) else None,
        "missing": sum(hole.candles for hole in found),
        "holes": [{"from": hole.start_ms, "to": hole.end_ms, "candles": hole.candles} for hole in found],
    }


def candle_document(candle: CandleLike) -> dict[str, Any]:
    """Return a candle as plain values; an unknown volume is null."""
    volume = candle.volume
    return {
        "timestamp": int(candle.timestamp),
        **{name: float(getattr(candle, name)) for name in ("open", "high", "low", "close")},
        "volume": float(volume) if volume == volume else None,
    }
