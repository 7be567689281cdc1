"""From a market snapshot to the context of an analysis: closed candles and their indicators."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from config.settings import AnalysisSettings
from domain.analysis import DataSource, MarketSnapshot
from domain.arrays import FloatArray
from domain.continuity import SeriesBreak, newest_break, since_break
from domain.errors import InsufficientData
from domain.forecasting import Forecast
from domain.market import CandleSeries, Timeframe
from domain.queries import NOTHING_SAID, ClientContext
from domain.timeframe_data import DataAge, data_age
from domain.values import epoch_ms, utc_time
from features.indicators.support_resistance import Levels, find_levels
from features.indicators.technical_indicators import TechnicalIndicators
from features.kernels.candles import Candles
from rules.evidence import UNMEASURED, Weigher

# With fewer there is neither MACD line (26) nor ADX (28), too little for a judgement.
MIN_SIDE_CANDLES = 30


@dataclass(frozen=True)
class TimeframeContext:
    """The closed candles of one timeframe, with indicators and levels.

    Attributes:
        series: Closed candles, oldest first, at most `window_candles`.
        indicators: By name, one value per candle, NaN while warming up.
        latest: The indicators of the newest candle, finite ones only.
        levels: Support and resistance around the current price.
    """

    series: CandleSeries
    indicators: Mapping[str, FloatArray]
    latest: Mapping[str, float]
    levels: Levels

    @property
    def average_true_range(self) -> float:
        """Typical range of a candle in the unit of the price; 0 while unknown or where nothing moves."""
        return self.latest.get("average_true_range", 0.0)

    @property
    def range_percent(self) -> float:
        """The average true range in percent of the last close; 0 while unknown."""
        return self.latest.get("average_true_range_percent", 0.0)

    @property
    def range_percentile(self) -> float:
        """Rank of that percentage among its past, 0 to 100; 0 while unknown."""
        return self.latest.get("average_true_range_percentile", 0.0)


@dataclass(frozen=True)
class MarketContext:
    """Everything that an analyst knows of a market.

    Attributes:
        price: Current price in quote currency, possibly newer than the last closed candle.
        volume_24h: In base currency, or None when unknown.
        strategies: Names of the selected strategies.
        timeframes: The context of each timeframe, shortest first.
        primary: The timeframe that gives stop, target and levels; it has enough candles.
        newest_candle_ms: Open time of the newest candle received, still forming ones included.
        missing_candles: Number of candles missing in gaps, all timeframes together.
        breaks: The newest break of a timeframe where it has one: only candles after it are read.
        broken: Whether the primary timeframe has too few candles since its break: nothing directional can be said.
        age: Of the newest closed candle.
        as_of: The moment of a replay, aware UTC; None is now.
        forecast: Of the model in production for the primary timeframe.
        forecast_note: Why there is no forecast.
        model_weight: The forecast's share in the direction, 0 to 1; 0 leaves the rules alone.
        client: What the client says in addition to its candles.
        weigher: What its plans are weighed by.
    """

    symbol: str
    price: float
    volume_24h: float | None
    source_data: DataSource
    strategies: tuple[str, ...]
    timeframes: Mapping[Timeframe, TimeframeContext]
    primary: Timeframe
    newest_candle_ms: int
    generated_at: datetime
    missing_candles: int
    age: DataAge
    breaks: Mapping[Timeframe, SeriesBreak] = field(default_factory=dict)
    broken: bool = False
    as_of: datetime | None = None
    forecast: Forecast | None = None
    forecast_note: str | None = None
    model_weight: float = 0.0
    client: ClientContext = NOTHING_SAID
    weigher: Weigher = UNMEASURED

    @property
    def main(self) -> TimeframeContext:
        """The primary timeframe's context."""
        return self.timeframes[self.primary]


def build_context(
    snapshot: MarketSnapshot,
    strategies: tuple[str, ...],
    settings: AnalysisSettings,
    indicators: TechnicalIndicators,
    now: datetime,
) -> MarketContext:
    """Return the context of a snapshot, read at `now` by the server's clock.

    A candle counts once it has closed: neither by the clock nor by what the other timeframes
    show may it still be forming.

    Raises:
        InsufficientData: no timeframe has `min_candles` closed candles.
    """
    closed = _closed(snapshot, settings, now)
    primary = _primary(closed, settings)
    breaks = {timeframe: found for timeframe, series in closed.items() if (found := newest_break(series))}
    broken = bool(breaks)
    if breaks:
        whole, closed = closed, {timeframe: since_break(series) for timeframe, series in closed.items()}
        broken = all(len(series) < settings.min_candles for series in closed.values())
        if broken:
            # Stops, levels and volatility are described by what there is.
            closed[primary] = whole[primary]
        else:
            primary = _primary(closed, settings)
    used = {timeframe: series for timeframe, series in closed.items() if len(series) >= MIN_SIDE_CANDLES}
    return MarketContext(
        symbol=snapshot.symbol,
        price=snapshot.price,
        volume_24h=snapshot.volume_24h,
        source_data=snapshot.source_data,
        strategies=strategies,
        timeframes={
            timeframe: _timeframe_context(series, indicators, snapshot.price) for timeframe, series in used.items()
        },
        primary=primary,
        newest_candle_ms=snapshot.newest_candle_ms,
        generated_at=now,
        missing_candles=sum(series.missing for series in used.values()),
        age=data_age(closed.values(), snapshot.as_of_ms, epoch_ms(now)),
        as_of=None if snapshot.as_of_ms is None else utc_time(snapshot.as_of_ms),
        breaks=breaks,
        broken=broken,
    )


def require_candles(snapshot: MarketSnapshot, settings: AnalysisSettings, now: datetime) -> None:
    """Refuse a snapshot that `build_context` would refuse, without computing anything.

    Raises:
        InsufficientData: no timeframe has `min_candles` closed candles.
    """
    # At most the last candle and those within the allowed clock skew can still be forming: with more
    # candles than that the check is not needed.
    may_form = 2 + int(settings.clock_skew_seconds * 1000) // Timeframe.M1.ms
    if max(map(len, snapshot.series.values()), default=0) < settings.min_candles + may_form:
        _primary(_closed(snapshot, settings, now), settings)


def _closed(snapshot: MarketSnapshot, settings: AnalysisSettings, now: datetime) -> dict[Timeframe, CandleSeries]:
    """Return the newest closed candles of each timeframe, shortest first."""
    closed = snapshot.closed(epoch_ms(now))
    return {
        timeframe: closed[timeframe].tail(settings.window_candles)
        for timeframe in sorted(closed, key=lambda timeframe: timeframe.ms)
    }


def _primary(closed: Mapping[Timeframe, CandleSeries], settings: AnalysisSettings) -> Timeframe:
    """Return the first of the configured timeframes, or else the longest, that has enough candles."""
    enough = [timeframe for timeframe, series in closed.items() if len(series) >= settings.min_candles]
    if not enough:
        received = ", ".join(f"{timeframe}: {len(series)}" for timeframe, series in closed.items()) or "none"
        raise InsufficientData(
            f"needs {settings.min_candles} closed candles in at least one timeframe; received {received}"
        )
    return next((timeframe for timeframe in settings.primary_timeframes if timeframe in enough), enough[-1])


def _timeframe_context(series: CandleSeries, indicators: TechnicalIndicators, price: float) -> TimeframeContext:
    candles = Candles(series.values.T)
    columns = indicators.columns(candles)
    newest = {name: float(column[-1]) for name, column in columns.items()}
    latest = {name: value for name, value in newest.items() if math.isfinite(value)}
    levels = find_levels(candles.high, candles.low, price, latest.get("average_true_range", 0.0))
    return TimeframeContext(series, columns, latest, levels)
