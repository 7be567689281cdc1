"""Which candles of a market count: closed ones, after the newest break of their series."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from config.settings import AnalysisSettings
from domain.analysis import MarketSnapshot
from domain.continuity import SeriesBreak, newest_break
from domain.errors import InsufficientData
from domain.market import CandleSeries, Timeframe
from domain.timeframe_data import DataAge, data_age, ended_early
from domain.values import epoch_ms

# With fewer there is neither MACD line (26) nor ADX (28), too little for a judgement.
MIN_SIDE_CANDLES = 30


@dataclass(frozen=True)
class MarketReading:
    """The candles of a market that count, before anything is measured of them.

    Attributes:
        snapshot: The market as it was received.
        now: The server's clock.
        used: The candles that are read, by timeframe, shortest first.
        primary, age, ended_ms, breaks, broken: As of `MarketContext`.
    """

    snapshot: MarketSnapshot
    now: datetime
    used: Mapping[Timeframe, CandleSeries]
    primary: Timeframe
    age: DataAge
    ended_ms: Mapping[Timeframe, int]
    breaks: Mapping[Timeframe, SeriesBreak]
    broken: bool


def read_market(
    snapshot: MarketSnapshot,
    settings: AnalysisSettings,
    now: datetime,
    find_break: Callable[[CandleSeries], SeriesBreak | None] = newest_break,
) -> MarketReading:
    """Return what counts of a snapshot at `now` by the server's clock.

    A candle counts once it has closed: neither by the clock nor by what the other timeframes
    show may it still be forming. Timeframes whose candles ended long before those of others take no part.

    Args:
        snapshot: Candles by timeframe.
        settings: Number of candles, and the primary timeframes.
        now: The server's clock.
        find_break: Finds the newest break of a series, or None.

    Raises:
        InsufficientData: no timeframe has `min_candles` closed candles.
    """
    closed, ended_ms = _closed(snapshot, settings, now)
    primary = _primary(closed, ended_ms, settings)
    breaks = {timeframe: found for timeframe, series in closed.items() if (found := find_break(series))}
    broken = bool(breaks)
    if breaks:
        whole, closed = (
            closed,
            {
                timeframe: series.part(breaks[timeframe].position, len(series)) if timeframe in breaks else series
                for timeframe, series in closed.items()
            },
        )
        broken = all(len(series) < settings.min_candles for series in closed.values())
        if broken:
            # Stops, levels and volatility are described by what there is.
            closed[primary] = whole[primary]
        else:
            primary = _primary(closed, ended_ms, settings)
    return MarketReading(
        snapshot=snapshot,
        now=now,
        used={timeframe: series for timeframe, series in closed.items() if len(series) >= MIN_SIDE_CANDLES},
        primary=primary,
        age=data_age(closed.values(), snapshot.as_of_ms, epoch_ms(now)),
        ended_ms=ended_ms,
        breaks=breaks,
        broken=broken,
    )


def require_candles(snapshot: MarketSnapshot, settings: AnalysisSettings, now: datetime) -> None:
    """Refuse a snapshot that `build_context` would refuse for its number of candles, without computing anything.

    Raises:
        InsufficientData: no timeframe has `min_candles` closed candles.
    """
    # At most the last candle and those within the allowed clock skew can still be forming: with more
    # candles than that the check is not needed.
    may_form = 2 + int(settings.clock_skew_seconds * 1000) // Timeframe.M1.ms
    if max(map(len, snapshot.series.values()), default=0) < settings.min_candles + may_form:
        _primary(*_closed(snapshot, settings, now), settings)


def _closed(
    snapshot: MarketSnapshot, settings: AnalysisSettings, now: datetime
) -> tuple[dict[Timeframe, CandleSeries], dict[Timeframe, int]]:
    """Return the newest closed candles of each timeframe, shortest first, and when others ended long before them."""
    closed = snapshot.closed(epoch_ms(now))
    ended_ms = ended_early(closed)
    newest = {
        timeframe: closed[timeframe].tail(settings.window_candles)
        for timeframe in sorted(closed.keys() - ended_ms.keys(), key=lambda timeframe: timeframe.ms)
    }
    return newest, ended_ms


def _primary(
    closed: Mapping[Timeframe, CandleSeries], ended_ms: Mapping[Timeframe, int], settings: AnalysisSettings
) -> Timeframe:
    """Return the first of the configured timeframes, or else the longest, that has enough candles."""
    enough = [timeframe for timeframe, series in closed.items() if len(series) >= settings.min_candles]
    if not enough:
        received = ", ".join(f"{timeframe}: {len(series)}" for timeframe, series in closed.items()) or "none"
        ended = f"; those of {', '.join(ended_ms)} end long before" if ended_ms else ""
        raise InsufficientData(
            f"needs {settings.min_candles} closed candles in at least one timeframe; received {received}{ended}"
        )
    return next((timeframe for timeframe in settings.primary_timeframes if timeframe in enough), enough[-1])
