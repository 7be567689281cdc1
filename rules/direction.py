"""The direction of a market: one per timeframe, and their weighted mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from domain.arrays import FloatArray
from domain.market import Timeframe
from rules.context import MOVE_CANDLES, MarketContext, TimeframeContext
from rules.strategies import NO_VIEW, STRATEGIES, clip, directional_movement, moving_averages

# On simulated markets the move over its noise separates a trend from a random walk better than anything
# else tried; averages and Wilder's movement add the recent candles. The MACD histogram added nothing.
MOVE_SHARE, AVERAGES_SHARE, MOVEMENT_SHARE = 0.60, 0.25, 0.15
# A move of 2.5 standard deviations of its own noise is a full view (1.2 % of random walks).
FULL_MOVE = 2.5
# Each doubling of the timeframe's length adds half the weight of the shortest: a longer candle covers more time,
# but plans had better results where hours and four hours weighed 1 to 2 than 1 to 3 (docs/rule-evidence.md).
WEIGHT_PER_DOUBLING = 0.5
# From POINTS on a timeframe has a direction; from DISAGREES on against the others it disagrees, below that
# it is the pull-back that every trend has on its short timeframes.
POINTS = 0.25
DISAGREES = 0.40
# Less range than a hundredth of a percent of the price is a flat market: a trade costs ten times that.
FLAT_RANGE_PERCENT = 0.01
# A market whose newest candles have no more range all together is flat whatever it did before, such as one that is
# closed or halted: Wilder's average keeps a lively time for some fifty candles.
STILL_CANDLES = 14


@dataclass(frozen=True)
class TrendView:
    """The view of all timeframes.

    Attributes:
        directions: -1 (down) to 1 (up) per timeframe, shortest first.
        trend: Weighted mean of the directions that count, -1 to 1.
        disagree: Whether a timeframe that counts points clearly against the mean.
        flat: Whether the primary timeframe has practically no range.
        broken: Whether the series has just broken off, so that there is no direction.
        brief: Timeframes that do not count, since their moves cover too little of the answer's timeframe.
        scores: Score of each selected strategy, 0 to 1.
        consensus: Mean view of the selected strategies, -1 (Short) to 1 (Long).
        agreement: Agreement of rules and model, 0 to 1; 1 where the rules decide alone.
        blended: Whether a model has a share in the trend.
    """

    directions: Mapping[Timeframe, float]
    trend: float
    disagree: bool
    flat: bool
    scores: Mapping[str, float]
    consensus: float
    agreement: float = 1.0
    blended: bool = False
    broken: bool = False
    brief: tuple[Timeframe, ...] = ()

    @property
    def counted(self) -> dict[Timeframe, float]:
        """The directions that count, shortest first; that of the answer's timeframe always does."""
        return {timeframe: value for timeframe, value in self.directions.items() if timeframe not in self.brief}


def view_trend(context: MarketContext) -> TrendView:
    """Return the direction of each timeframe, the weighted mean of those that count and the strategies' scores.

    Across a break of the series there is no direction, and no strategy has a view.
    """
    directions = {
        timeframe: 0.0 if context.broken else timeframe_direction(part)
        for timeframe, part in context.timeframes.items()
    }
    counted = {timeframe: directions[timeframe] for timeframe in context.counted}
    shortest = min(timeframe.ms for timeframe in counted)
    weights = {timeframe: 1 + WEIGHT_PER_DOUBLING * math.log2(timeframe.ms / shortest) for timeframe in counted}
    trend = sum(weights[timeframe] * value for timeframe, value in counted.items()) / sum(weights.values())
    scores = {name: NO_VIEW if context.broken else STRATEGIES[name](context.main.latest) for name in context.strategies}
    views = [2 * (score - NO_VIEW) for score in scores.values()]
    return TrendView(
        directions=directions,
        trend=clip(trend),
        disagree=any(value * math.copysign(1, trend) <= -DISAGREES for value in counted.values()),
        flat=is_flat(context.main),
        scores=scores,
        consensus=sum(views) / len(views) if views else 0.0,
        broken=context.broken,
        brief=tuple(timeframe for timeframe in directions if timeframe not in counted),
    )


def timeframe_direction(part: TimeframeContext) -> float:
    """Return the direction of one timeframe, -1 to 1; 0 in a flat market.

    It weighs the move over its noise, the order of the moving averages and Wilder's
    directional movement. What cannot be computed yet counts as no view.
    """
    if is_flat(part):
        return 0.0
    move = clip(move_over_noise(part.series.closes[-MOVE_CANDLES - 1 :]) / FULL_MOVE)
    averages, movement = moving_averages(part.latest), directional_movement(part.latest)
    return clip(MOVE_SHARE * move + AVERAGES_SHARE * _or_zero(averages) + MOVEMENT_SHARE * _or_zero(movement))


def move_over_noise(closes: FloatArray) -> float:
    """Return the move from the first close to the last in standard deviations of a random walk.

    It is the sum of the log-returns over the root of the sum of their squares: about
    standard normal in a random walk whatever its tails, and never above the root of the number of returns.
    Source: self-normalized sums, Logan et al. (1973).
    """
    logs = np.log(closes)
    returns = logs[1:] - logs[:-1]
    noise = math.sqrt(returns @ returns)
    return float(logs[-1] - logs[0]) / noise if noise > 0 else 0.0


def is_flat(part: TimeframeContext) -> bool:
    """Return whether the typical candle, or all of the newest together, has practically no range."""
    if part.range_percent < FLAT_RANGE_PERCENT:
        return True
    highs, lows, least = part.series.highs, part.series.lows, FLAT_RANGE_PERCENT / 100 * part.latest["close"]
    if highs[-1] - lows[-1] >= least:
        return False
    return bool(highs[-STILL_CANDLES:].max() - lows[-STILL_CANDLES:].min() < least)


def _or_zero(value: float) -> float:
    return 0.0 if math.isnan(value) else value
