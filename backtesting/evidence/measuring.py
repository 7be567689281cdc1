"""The plans of a market's past, measured as engines ask: some candles of each timeframe at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

from backtesting.evidence.building import MeasuredMarket
from backtesting.evidence.samples import samples_of
from backtesting.past.judging import judge_past
from backtesting.past.market import PastJudgement, PastMarket
from config.settings import AnalysisSettings
from domain.market import CandleSeries, Timeframe
from features.indicators.technical_indicators import TechnicalIndicators
from rules.evidence.measured import MeasuredFile

# What the engine posts for its dashboard; of other timeframes as many candles as an analysis reads.
ENGINE_WINDOWS = MappingProxyType({Timeframe.M15: 100, Timeframe.M30: 100, Timeframe.H1: 100, Timeframe.H4: 50})
# Plans made within fewer candles than this nearly repeat each other.
EVERY = 4


@dataclass(frozen=True)
class Span:
    """Which moments of a history are measured: from `since_ms` to before `until_ms`, None for its ends."""

    since_ms: int | None = None
    until_ms: int | None = None


def measure_market(
    name: str,
    symbol: str,
    series: CandleSeries,
    longer: tuple[Timeframe, ...],
    span: Span,
    settings: AnalysisSettings,
    indicators: TechnicalIndicators,
    progress: Callable[[float], None],
) -> MeasuredMarket:
    """Return the plans of a market, made at every fourth close of its candles.

    Args:
        name: Of the file.
        symbol: Of the market.
        series: Its history; candles after the span are not looked at.
        longer: Timeframes that are made from it and judged with it.
        span: Moments to measure.
        settings: How a market is read; its primary timeframe is that of the series.
        indicators: Compute the indicators.
        progress: Told the share that is done, 0..1.

    Raises:
        InvalidRequest: the series has no candles in the span.
    """
    if span.until_ms is not None:
        series = series.closed_by(span.until_ms)
    market = PastMarket(symbol, {series.timeframe: series}).with_longer(*longer)
    rules = settings.model_copy(update={"primary_timeframes": (series.timeframe,)})
    windows = dict(ENGINE_WINDOWS)
    if windows.get(series.timeframe, settings.min_candles) < settings.min_candles:
        # So few are never judged by themselves: an analysis of this timeframe reads more.
        del windows[series.timeframe]
    judgements = judge_past(market, rules, indicators, since_ms=span.since_ms, every=EVERY, windows=windows)
    samples = samples_of(series, _told(judgements, len(series), progress))
    first_ms = max(series.candles[0].timestamp, span.since_ms or 0)
    file = MeasuredFile(
        name=name, candles=len(series), first_ms=first_ms, last_ms=series.last_open_ms, digest=series.digest.hex()
    )
    return MeasuredMarket(file, symbol, series.timeframe, samples)


def _told(
    judgements: Iterator[PastJudgement], count: int, progress: Callable[[float], None]
) -> Iterator[PastJudgement]:
    for past in judgements:
        progress(past.position / count)
        yield past
