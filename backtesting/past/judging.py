"""Judgements at every close of a history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from backtesting.past.known import KnownCandles
from backtesting.past.market import PastJudgement, PastMarket
from config.settings import AnalysisSettings
from domain.analysis import replay
from domain.arrays import IntArray
from domain.continuity import SeriesBreak
from domain.errors import InsufficientData
from domain.forecasting import Forecast
from domain.market import CandleSeries, Timeframe
from domain.values import utc_time
from features.indicators.technical_indicators import TechnicalIndicators
from rules.context import measured, with_forecast
from rules.evidence.weighing import UNMEASURED, Weigher
from rules.judgement import judge
from rules.reading import MarketReading, read_market
from rules.strategies import STRATEGY_NAMES

# Moments whose indicators are measured together: the more, the fewer calls, and the more memory.
TOGETHER = 512


def judge_past(
    market: PastMarket,
    settings: AnalysisSettings,
    indicators: TechnicalIndicators,
    *,
    since_ms: int | None = None,
    until_ms: int | None = None,
    every: int = 1,
    windows: Mapping[Timeframe, int] | None = None,
    forecasts: Mapping[int, Forecast] | None = None,
    weigher: Weigher = UNMEASURED,
) -> Iterator[PastJudgement]:
    """Yield the judgement of each close of a candle of the market's primary timeframe, oldest first.

    Each is what `POST /ai/analyze` says with `as_of`, and with all strategies, to the newest candles that had closed by
    then, when it is asked at that moment. Moments at which no timeframe has `min_candles` of them have none.

    Args:
        market: Whole history.
        settings: Number of candles, the primary timeframe and the blend with models.
        indicators: Compute the indicators.
        since_ms: First moment, epoch ms; None begins with the history.
        until_ms: End of the moments, itself not among them; None goes to the end of the history.
        every: Distance of two moments in candles.
        windows: Newest candles of each timeframe that are known at a moment; `settings.window_candles` of others.
        weigher: Weighs the plans of the moments.
        forecasts: What a model said at moments, epoch ms, of the context's primary timeframe.
    """
    known = {
        timeframe: KnownCandles(series, (windows or {}).get(timeframe, settings.window_candles))
        for timeframe, series in market.series.items()
        if len(series)
    }
    moments_ms = known[market.primary(settings)].closes_ms
    first = 0 if since_ms is None else int(np.searchsorted(moments_ms, since_ms))
    end = len(moments_ms) if until_ms is None else int(np.searchsorted(moments_ms, until_ms))
    positions = np.arange(first, end, every)
    for begin in range(0, len(positions), TOGETHER):
        chosen = positions[begin : begin + TOGETHER]
        moments = moments_ms[chosen]
        readings = dict(_readings(market.symbol, known, moments, settings))
        latest = {
            timeframe: iter(
                candles.measured(
                    [reading.used[timeframe] for reading in readings.values() if timeframe in reading.used], indicators
                )
            )
            for timeframe, candles in known.items()
        }
        for position, moment_ms in zip(chosen.tolist(), moments.tolist(), strict=True):
            if moment_ms in readings:
                reading = readings[moment_ms]
                newest = {timeframe: next(latest[timeframe]) for timeframe in reading.used}
                context = measured(reading, STRATEGY_NAMES, newest, weigher)
                if forecasts is not None:
                    context = with_forecast(context, forecasts.get(moment_ms), None, settings)
                yield PastJudgement(moment_ms, position, judge(context))


def _readings(
    symbol: str, known: Mapping[Timeframe, KnownCandles], moments_ms: IntArray, settings: AnalysisSettings
) -> Iterator[tuple[int, MarketReading]]:
    """Yield the moments at which there are enough candles, and which candles count then."""

    def find_break(part: CandleSeries) -> SeriesBreak | None:
        return known[part.timeframe].newest_break(part)

    ends = zip(*(candles.ends(moments_ms) for candles in known.values()), strict=True)
    for moment_ms, closed in zip(moments_ms.tolist(), ends, strict=True):
        received = {
            timeframe: candles.before(end)
            for (timeframe, candles), end in zip(known.items(), closed, strict=True)
            if end
        }
        snapshot = replay(symbol, received, moment_ms)
        try:
            yield moment_ms, read_market(snapshot, settings, utc_time(moment_ms), find_break)
        except InsufficientData:
            continue
