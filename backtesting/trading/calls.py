"""Lanes: whose signals are traded, from the judgements of a market to calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from backtesting.trading.orders import Call
from domain.errors import InvalidRequest
from domain.market import Timeframe
from domain.values import Signal
from rules.blending import blend
from rules.context import MarketContext
from rules.direction import TrendView
from rules.evidence.weighing import even_money
from rules.judgement import Judgement
from rules.plans import make_plan
from rules.risk import assess_risk
from rules.strategies import STRATEGY_NAMES
from rules.verdict import UNTRADABLE, Ground, Verdict

# A strategy is Long above this score and Short below one minus it.
STRATEGY_BAR = 0.65


class JudgedClose(Protocol):
    """A judgement at the close of a candle."""

    @property
    def position(self) -> int:
        """Index of the candle in the series that is traded."""

    @property
    def judgement(self) -> Judgement:
        """What was judged then."""


@dataclass(frozen=True)
class LaneView:
    """What a lane says of a market.

    Attributes:
        view: The trend that risk and size are measured by.
        confidence: 0..1.
        ground: Why, in a word.
    """

    view: TrendView
    signal: Signal
    confidence: float
    ground: str


@dataclass(frozen=True)
class TradedLane:
    """One way to trade judgements.

    Attributes:
        name: `rules`, `model`, `blend`, or a strategy.
        say: What it says to a judgement; None where it has nothing to say.
    """

    name: str
    say: Callable[[Judgement], LaneView | None]

    def calls(self, judged: Iterable[JudgedClose], timeframe: Timeframe) -> Iterator[Call]:
        """Yield the directional calls of the lane, in the order of the judgements.

        Exits and size are those that an analysis of that moment answers with.

        Args:
            judged: Judgements of one market, oldest first.
            timeframe: Of the candles that are traded.
        """
        for close in judged:
            said = self.say(close.judgement)
            call = None if said is None else _call(close.position, close.judgement.context, said, timeframe)
            if call is not None:
                yield call


def find_lane(name: str) -> TradedLane:
    """Return the lane of a name.

    Raises:
        InvalidRequest: there is none of that name.
    """
    if name not in LANES:
        raise InvalidRequest(f"there is no lane {name}; there are {', '.join(LANES)}")
    return LANES[name]


def _call(position: int, context: MarketContext, said: LaneView, timeframe: Timeframe) -> Call | None:
    """Return the call, None of a Neutral view."""
    if said.signal is Signal.NEUTRAL:
        return None
    plan = make_plan(said.signal, context.price, context.main.average_true_range)
    risk = assess_risk(context, said.view, Verdict(said.signal, said.confidence, Ground.TREND, plan))
    return Call(
        position=position,
        side=said.signal,
        stop=plan.stop,
        target=plan.target,
        # The plan counts candles of the timeframe that gave it.
        horizon_candles=max(1, plan.horizon_candles * context.primary.ms // timeframe.ms),
        size=risk.recommended_position_size,
        confidence=said.confidence,
        ground=said.ground,
    )


def _has_exits(judgement: Judgement) -> bool:
    """Return whether there is room for a stop and a target; the rules look for it by themselves."""
    return judgement.by_rules.ground not in UNTRADABLE


def _rules(judgement: Judgement) -> LaneView:
    verdict = judgement.by_rules
    return LaneView(judgement.rules, verdict.signal, verdict.confidence, verdict.ground)


def _blended(judgement: Judgement) -> LaneView | None:
    if judgement.context.forecast is None:
        return None
    verdict = judgement.verdict
    return LaneView(judgement.view, verdict.signal, verdict.confidence, verdict.ground)


def _model(judgement: Judgement) -> LaneView | None:
    forecast = judgement.context.forecast
    if forecast is None or not _has_exits(judgement):
        return None
    alone = blend(judgement.rules, forecast, 1.0)
    plan = forecast.plan
    confidence = even_money(plan.expected_r) if plan else forecast.confidence
    return LaneView(alone, forecast.signal, confidence, "forecast")


def _strategy(name: str) -> Callable[[Judgement], LaneView | None]:
    def say(judgement: Judgement) -> LaneView | None:
        if name not in judgement.rules.scores:
            raise InvalidRequest(f"the strategy {name} was not asked when the market was judged")
        score = judgement.rules.scores[name]
        if 1 - STRATEGY_BAR <= score <= STRATEGY_BAR or not _has_exits(judgement):
            return None
        signal = Signal.LONG if score > STRATEGY_BAR else Signal.SHORT
        return LaneView(judgement.rules, signal, max(score, 1 - score), name)

    return say


LANES: Mapping[str, TradedLane] = MappingProxyType(
    {
        "rules": TradedLane("rules", _rules),
        "model": TradedLane("model", _model),
        "blend": TradedLane("blend", _blended),
        **{name: TradedLane(name, _strategy(name)) for name in STRATEGY_NAMES},
    }
)
