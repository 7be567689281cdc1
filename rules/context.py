"""From a market snapshot to the context of an analysis: the candles that count and their indicators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from config.settings import AnalysisSettings
from domain.analysis import DataSource, MarketSnapshot
from domain.continuity import SeriesBreak
from domain.forecasting import Forecast
from domain.market import CandleSeries, Timeframe
from domain.queries import NOTHING_SAID, ClientContext
from domain.timeframe_data import DataAge
from domain.trading.plan_models import PlanForecast
from domain.values import utc_time
from features.indicators.ranges import widest_share
from features.indicators.support_resistance import Levels, find_levels
from features.indicators.technical_indicators import TechnicalIndicators
from rules.evidence.weighing import UNMEASURED, Weigher
from rules.reading import MarketReading, read_market

# Candles of Wilder's average true range, as usual.
RANGE_CANDLES = 14
# Candles whose move gives the direction of a timeframe.
MOVE_CANDLES = 100


@dataclass(frozen=True)
class TimeframeContext:
    """The closed candles of one timeframe, with their newest indicators.

    Attributes:
        series: Closed candles, oldest first, at most `window_candles`.
        latest: The indicators of the newest candle by name, finite ones only.
        price: Current price, which parts the levels.
    """

    series: CandleSeries
    latest: Mapping[str, float]
    price: float

    @cached_property
    def levels(self) -> Levels:
        """Support and resistance around the current price."""
        return find_levels(self.series.highs, self.series.lows, self.price, self.average_true_range)

    @property
    def average_true_range(self) -> float:
        """Typical range of a candle in the unit of the price; 0 while unknown or where nothing moves."""
        return self.latest.get("average_true_range", 0.0)

    @property
    def range_percent(self) -> float:
        """The average true range in percent of the last close; 0 while unknown."""
        return self.latest.get("average_true_range_percent", 0.0)

    @cached_property
    def widest_share(self) -> float:
        """The largest share that a single candle has in the average true range, 0 to 1."""
        return widest_share(self.series, RANGE_CANDLES)

    @property
    def range_percentile(self) -> float:
        """Rank of that percentage among its past, 0 to 100; 0 while unknown or where nothing moves."""
        return self.latest.get("average_true_range_percentile", 0.0) if self.range_percent > 0 else 0.0


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
        breaks: The newest break of a timeframe where it has one: only candles after it are read.
        broken: Whether the primary timeframe has too few candles since its break: nothing directional can be said.
        age: Of the newest closed candle.
        ended_ms: When the candles of timeframes ended that take no part, since others went on.
        as_of: The moment of a replay, aware UTC; None is now.
        forecast: Of the model in production for the primary timeframe.
        forecast_note: Why there is no forecast.
        model_weight: The forecast's share in the direction, 0 to 1; 0 leaves the rules alone.
        plan_model: The plan model in production that was asked; None where there is none.
        plan_forecast: What it says of the plan that the rules give; None where they give none, or it has no answer.
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
    age: DataAge
    ended_ms: Mapping[Timeframe, int] = field(default_factory=dict)
    breaks: Mapping[Timeframe, SeriesBreak] = field(default_factory=dict)
    broken: bool = False
    as_of: datetime | None = None
    forecast: Forecast | None = None
    forecast_note: str | None = None
    model_weight: float = 0.0
    plan_model: str | None = None
    plan_forecast: PlanForecast | None = None
    client: ClientContext = NOTHING_SAID
    weigher: Weigher = UNMEASURED

    @property
    def main(self) -> TimeframeContext:
        """The primary timeframe's context."""
        return self.timeframes[self.primary]

    @cached_property
    def counted(self) -> dict[Timeframe, TimeframeContext]:
        """The timeframes that count, shortest first; the primary one always does.

        Their move covers as many candles of the primary one as the average true range does, the unit of stop and
        target: an hour and a half of minutes is noise to a plan of days.
        """
        least_ms = RANGE_CANDLES * self.primary.ms / MOVE_CANDLES
        return {timeframe: part for timeframe, part in self.timeframes.items() if timeframe.ms >= least_ms}

    @cached_property
    def missing_candles(self) -> int:
        """Number of candles missing in gaps, all timeframes that count together."""
        return sum(part.series.missing for part in self.counted.values())

    @cached_property
    def untraded_candles(self) -> int:
        """Number of those left out because nothing was traded, all timeframes that count together."""
        series = (part.series for part in self.counted.values())
        return sum(one.sessions.untraded_between(one.times_ms, one.timeframe.ms) for one in series)

    @property
    def levels(self) -> Levels:
        """Support and resistance of the primary timeframe; of a broken series those since its break."""
        if not self.broken or self.primary not in self.breaks:
            return self.main.levels
        since = self.breaks[self.primary].position
        highs, lows = self.main.series.highs[since:], self.main.series.lows[since:]
        return find_levels(highs, lows, self.price, self.main.average_true_range)


def build_context(
    snapshot: MarketSnapshot,
    strategies: tuple[str, ...],
    settings: AnalysisSettings,
    indicators: TechnicalIndicators,
    now: datetime,
    weigher: Weigher = UNMEASURED,
    client: ClientContext = NOTHING_SAID,
) -> MarketContext:
    """Return the context of a snapshot, read at `now` by the server's clock; raises as `read_market` does."""
    reading = read_market(snapshot, settings, now)
    return measured(reading, strategies, newest_indicators([reading], indicators)[0], weigher, client)


def newest_indicators(
    readings: Sequence[MarketReading], indicators: TechnicalIndicators
) -> list[dict[Timeframe, dict[str, float]]]:
    """Return the newest indicators of each timeframe of each market, all computed in one call."""
    newest = iter(indicators.newest_of([series.values for reading in readings for series in reading.used.values()]))
    return [{timeframe: next(newest) for timeframe in reading.used} for reading in readings]


def measured(
    reading: MarketReading,
    strategies: tuple[str, ...],
    latest: Mapping[Timeframe, Mapping[str, float]],
    weigher: Weigher = UNMEASURED,
    client: ClientContext = NOTHING_SAID,
) -> MarketContext:
    """Return the context of what is read of a market, given the newest indicators of each of its timeframes."""
    snapshot = reading.snapshot
    return MarketContext(
        symbol=snapshot.symbol,
        price=snapshot.price,
        volume_24h=snapshot.volume_24h,
        source_data=snapshot.source_data,
        strategies=strategies,
        timeframes={
            timeframe: TimeframeContext(series, latest[timeframe], snapshot.price)
            for timeframe, series in reading.used.items()
        },
        primary=reading.primary,
        newest_candle_ms=snapshot.newest_candle_ms,
        generated_at=reading.now,
        age=reading.age,
        as_of=None if snapshot.as_of_ms is None else utc_time(snapshot.as_of_ms),
        ended_ms=reading.ended_ms,
        breaks=reading.breaks,
        broken=reading.broken,
        client=client,
        weigher=weigher,
    )


def with_forecast(
    context: MarketContext, forecast: Forecast | None, note: str | None, settings: AnalysisSettings
) -> MarketContext:
    """Return the context with a model's forecast, which has its share in the direction where the settings blend both.

    Args:
        context: Without a forecast.
        forecast: Of the primary timeframe; None where there is none.
        note: Why there is none.
        settings: The blend with models.
    """
    weight = settings.model_weight if settings.blend == "weighted" else 0.0
    return replace(context, forecast=forecast, forecast_note=note, model_weight=weight)


def with_plan_forecast(context: MarketContext, version: str, said: PlanForecast | None) -> MarketContext:
    """Return the context with the plan model that was asked, and what it says; None where it says nothing."""
    return replace(context, plan_model=version, plan_forecast=said)
