"""The check of past judgements: what backtests and evidence are told of a market at the close of a candle."""

from __future__ import annotations

from backtesting.bias.checks import BiasCheck, BiasKind, Values
from backtesting.bias.rules import Frames, Said, by_name, said_of
from backtesting.past.judging import judge_past
from backtesting.past.market import PastMarket
from config.settings import AnalysisSettings
from domain.arrays import IntArray
from domain.market import CandleSeries
from features.indicators.technical_indicators import TechnicalIndicators

# Moments are judged many at a time: each is judged here with those before and after it, where the candles have them.
AROUND = 25


def past_check(settings: AnalysisSettings, indicators: TechnicalIndicators, frames: Frames) -> BiasCheck:
    """Return the check of everything that judgements of the past say.

    The rules by themselves are checked by `rule_check`; this one also sees candles and indicators of several moments
    that are mixed up where they are measured together.

    Args:
        settings: Number of candles, and the primary timeframe.
        indicators: Compute the indicators.
        frames: From the candles to those of every timeframe that the rules read.
    """

    def measure(series: CandleSeries, positions: IntArray) -> dict[str, Values]:
        market = PastMarket("CHECKED", frames(series))
        return by_name([_said(series, market, position, settings, indicators) for position in positions.tolist()])

    return BiasCheck(BiasKind.PAST_JUDGEMENT, measure, each=True)


def _said(
    series: CandleSeries,
    market: PastMarket,
    position: int,
    settings: AnalysisSettings,
    indicators: TechnicalIndicators,
) -> Said:
    """Return what is said at the close of a candle, nothing where there are too few candles."""
    near = series.closes_ms[max(position - AROUND, 0) : position + AROUND + 1]
    judged = judge_past(market, settings, indicators, since_ms=int(near[0]), until_ms=int(near[-1]) + 1)
    return next((said_of(past.judgement) for past in judged if past.position == position), {})
