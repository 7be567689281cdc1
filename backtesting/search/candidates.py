"""Judgements of one market as columns, from which the calls of any settings are made without judging again.

What a judgement says does not depend on the searched settings; whether it becomes a Long or Short, with which exits,
size and confidence, does. The formulas are those of `rules`, over all judgements at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from backtesting.search.space import SearchedSettings
from backtesting.trading.calls import JudgedClose
from backtesting.trading.orders import Call
from domain.arrays import FloatArray, IntArray
from domain.market import Timeframe
from domain.values import Signal, round_significant
from rules.evidence.weighing import confidence_bound, even_money, rests_on_plans, support
from rules.judgement import Judgement
from rules.risk import CAPITAL_AT_RISK, MAX_POSITION, market_risk, technical_risk
from rules.strategies import NO_VIEW
from rules.verdict import (
    AGREEMENT_CONFIDENCE,
    FULL_STRENGTH,
    SPEAKS_AGAINST,
    UNTRADABLE,
    Ground,
    data_quality,
    is_reversed,
)

# A confidence of one half pays its costs and no more.
_EVEN = 0.5
_SIGNALS = {1.0: Signal.LONG, -1.0: Signal.SHORT}
_COLUMNS = ("positions", "side", "price", "close", "atr", "lengths", "risk", "trend", "lean", "score", "odds", "worth",
            "age", "bound")  # fmt: skip


@dataclass(frozen=True)
class Candidates:
    """The n judgements of a market that may become calls.

    Attributes:
        ground: Why calls are made, in a word.
        strategy: Whether a single strategy speaks, else the rules.
        cost_bps: Of a round trip.
        positions: Of their candles in the series that is traded, ascending.
        side: 1 or -1.
        price, close, atr: Price, last close and average true range of the plan's timeframe, quote currency.
        lengths: Candles of the traded timeframe in one of the plan's.
        risk: By which the recommended size is smaller, 0..1.
        trend: Strength of the trend, 0..1.
        lean: How far all strategies agree with it, -1..1.
        score: How far the single strategy leans to the side, 0.5..1.
        odds: Log odds of the target coming first, above those of chance.
        worth: Of the data, 0..1.
        age: Worth of the newest candle, 0..1.
        bound: Greatest confidence by the evidence of the plan's timeframe, 0..1; NaN where it is agreement alone.
    """

    ground: str
    strategy: bool
    cost_bps: float
    positions: IntArray
    side: FloatArray
    price: FloatArray
    close: FloatArray
    atr: FloatArray
    lengths: FloatArray
    risk: FloatArray
    trend: FloatArray
    lean: FloatArray
    score: FloatArray
    odds: FloatArray
    worth: FloatArray
    age: FloatArray
    bound: FloatArray

    def calls(self, settings: SearchedSettings, first: int, end: int) -> list[Call]:
        """Return the calls that the settings make of the judgements from one candle to before another, ascending.

        The guards know nothing of what was said before; positions are counted from the first of these candles.
        """
        strength = self.trend + settings.strategy_say * self.lean
        # A strategy is Long above its bar, the rules from theirs on.
        speaks = self.score > settings.strategy_bar if self.strategy else strength >= settings.signal_bar
        distance = settings.stop_atr * self.atr
        stops, targets = self.price - self.side * distance, self.price + self.side * settings.reward * distance
        within = (self.positions >= first) & (self.positions < end)
        if not self.strategy:
            # A price beyond the target of a plan of the last close has run ahead.
            speaks &= self.side * (self.price - (self.close + self.side * settings.reward * distance)) < 0
        chosen = np.flatnonzero(within & speaks & (np.minimum(stops, targets) > 0))
        side, price = self.side[chosen], self.price[chosen]
        stop, target = (np.array([round_significant(value) for value in part[chosen].tolist()], np.float64)
                        for part in (stops, targets))  # fmt: skip
        risk = np.abs(price - stop)
        if self.strategy:
            confidence = self.score[chosen]
        else:
            worth = self._worth_of_plans(chosen, price, risk, np.abs(target - price) / risk)
            confidence = np.where(np.isnan(worth), self._agreement(chosen, strength[chosen], settings), worth)
        sizes = np.minimum(CAPITAL_AT_RISK * price / risk, MAX_POSITION) * (1 - self.risk[chosen])
        horizons = np.maximum(1, settings.horizon_candles * self.lengths[chosen]).astype(np.int64)
        passed = list(_guarded(self.positions[chosen].tolist(), side.tolist(), confidence.tolist(), settings))
        columns = (self.positions[chosen] - first, side, stop, target, horizons, sizes, confidence)
        return [
            Call(position, _SIGNALS[sign], stopped, won, horizon, round(size, 4), sure, self.ground)
            for position, sign, stopped, won, horizon, size, sure in zip(
                *(column[passed].tolist() for column in columns), strict=True
            )
        ]

    def _worth_of_plans(self, chosen: IntArray, price: FloatArray, risk: FloatArray, reward: FloatArray) -> FloatArray:
        """Return the even-money equivalents of plans, as `Weigher` has them; NaN where nothing was measured."""
        break_even = 1 / (1 + reward)
        odds = np.log(break_even / (1 - break_even)) + self.odds[chosen]
        expected = (1 + reward) / (1 + np.exp(-odds)) - 1 - self.cost_bps / (1e4 * risk / price)
        worth = np.array([even_money(round(value, 4)) for value in expected.tolist()], np.float64)
        return np.minimum(worth, self.bound[chosen]) * self.age[chosen]

    def _agreement(self, chosen: IntArray, strength: FloatArray, settings: SearchedSettings) -> FloatArray:
        """Return the confidence of agreement, as `rules.verdict` has it where nothing was measured."""
        least, most = AGREEMENT_CONFIDENCE
        full = np.clip((strength - settings.signal_bar) / (FULL_STRENGTH - settings.signal_bar), 0.0, 1.0)
        return np.asarray((least + (most - least) * full) * self.worth[chosen] * self.age[chosen])


def collect(judged: Iterable[JudgedClose], timeframe: Timeframe, strategy: str | None) -> Candidates:
    """Return the judgements that some settings may make a Long or Short of.

    Args:
        judged: Of one market, oldest first.
        timeframe: Of the candles that are traded.
        strategy: The single strategy that speaks; None takes the rules.
    """
    rows, cost_bps = [], 0.0
    for close in judged:
        judgement = close.judgement
        cost_bps = judgement.context.weigher.costs.of(judgement.context.symbol).round_trip_bps
        if _may_speak(judgement, strategy):
            rows.append(_row(close.position, judgement, timeframe, strategy))
    columns = np.array(rows, np.float64).reshape(-1, len(_COLUMNS)).T
    named = dict(zip(_COLUMNS, columns, strict=True))
    return Candidates(
        ground=strategy or Ground.TREND,
        strategy=strategy is not None,
        cost_bps=cost_bps,
        positions=named.pop("positions").astype(np.int64),
        **named,
    )


def _may_speak(judgement: Judgement, strategy: str | None) -> bool:
    verdict, view = judgement.by_rules, judgement.rules
    if verdict.ground in UNTRADABLE:
        return False
    if strategy is not None:
        return view.scores[strategy] != NO_VIEW
    held_back = verdict.ground is Ground.DISAGREEMENT or is_reversed(judgement.context, view)
    # Whether plans are worth anything before costs does not depend on their exits.
    return not held_back and verdict.evidence is not None and verdict.evidence.verdict not in SPEAKS_AGAINST


def _row(position: int, judgement: Judgement, timeframe: Timeframe, strategy: str | None) -> tuple[float, ...]:
    context, view = judgement.context, judgement.rules
    score = NO_VIEW if strategy is None else view.scores[strategy]
    leaning = view.trend if strategy is None else score - NO_VIEW
    side = 1.0 if leaning > 0 else -1.0
    worth = data_quality(context) * view.agreement
    evidence = judgement.by_rules.evidence
    odds, _ = context.weigher.odds(context.symbol, context.primary, worth * support(int(side), view.trend))
    return (
        position,
        side,
        context.price,
        context.main.latest["close"],
        context.main.average_true_range,
        context.primary.ms / timeframe.ms,
        (technical_risk(context, view) + market_risk(context)) / 2,
        abs(view.trend),
        view.consensus * math.copysign(1, view.trend),
        max(score, 1 - score),
        odds,
        worth,
        context.age.worth,
        confidence_bound(evidence.verdict) if evidence is not None and rests_on_plans(evidence) else math.nan,
    )


def _guarded(
    positions: list[int], sides: list[float], confidences: list[float], settings: SearchedSettings
) -> Iterator[int]:
    """Yield the indices of the calls that pass hysteresis and cooldown, and are acted on."""
    last_side, last_position = 0.0, 0
    needed = _EVEN + settings.hysteresis
    for index, (position, side, confidence) in enumerate(zip(positions, sides, confidences, strict=True)):
        turns = side == -last_side
        if turns and position - last_position < settings.cooldown_candles:
            continue
        if last_side not in (0.0, side) and _EVEN <= confidence < needed:
            continue
        last_side, last_position = side, position
        if confidence >= settings.least_confidence:
            yield index
