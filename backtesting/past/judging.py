"""Judgements at every close of a history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from backtesting.past.market import PastJudgement, PastMarket
from config.settings import AnalysisSettings
from domain.errors import InsufficientData
from domain.market import CandleSeries, Timeframe
from domain.replays import replay
from domain.values import utc_time
from features.indicators.technical_indicators import TechnicalIndicators
from rules.context import build_context
from rules.judgement import judge
from rules.strategies import STRATEGY_NAMES


def judge_past(
    market: PastMarket,
    settings: AnalysisSettings,
    indicators: TechnicalIndicators,
    *,
    since_ms: int | None = None,
    until_ms: int | None = None,
    strategies: tuple[str, ...] = STRATEGY_NAMES,
    windows: Mapping[Timeframe, int] | None = None,
) -> Iterator[PastJudgement]:
    """Yield the judgement of each close of a candle of the market's primary timeframe, oldest first.

    Each is what `POST /ai/analyze` says with `as_of` to the newest candles that had closed by then. Moments at which
    no timeframe has `min_candles` of them have none.

    Args:
        market: Whole history.
        settings: Number of candles, and the primary timeframe.
        indicators: Compute the indicators.
        since_ms: First moment, epoch ms; None begins with the history.
        until_ms: End of the moments, itself not among them; None goes to the end of the history.
        strategies: Names of the selected strategies.
        windows: Newest candles of each timeframe that are known at a moment; `settings.window_candles` of others.
    """
    primary = market.series[market.primary(settings)]
    closes = {
        timeframe: series.sessions.closes_ms(series.times_ms, timeframe.ms)
        for timeframe, series in market.series.items()
    }
    moments = closes[primary.timeframe].tolist()
    for position, moment_ms in enumerate(moments):
        if (since_ms is not None and moment_ms < since_ms) or (until_ms is not None and moment_ms >= until_ms):
            continue
        known: dict[Timeframe, CandleSeries] = {}
        for timeframe, series in market.series.items():
            end = int(np.searchsorted(closes[timeframe], moment_ms, side="right"))
            count = (windows or {}).get(timeframe, settings.window_candles)
            if end:
                known[timeframe] = series.part(max(0, end - count), end)
        try:
            snapshot = replay(market.symbol, known, moment_ms)
            context = build_context(snapshot, strategies, settings, indicators, utc_time(moment_ms))
        except InsufficientData:
            continue
        yield PastJudgement(moment_ms, position, judge(context))
