"""The settings of trades that are searched, and their bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backtesting.trading.calls import STRATEGY_BAR
from config.guard_settings import GuardSettings
from domain.values import Frozen
from rules.plans import HORIZON_CANDLES, REWARD, STOP_ATR
from rules.verdict import SIGNAL_BAR, STRATEGY_SAY

RULES, STRATEGY = "rules", "strategy"


class SearchedSettings(Frozen):
    """How judgements become calls; the names are those of `SPACE`.

    Attributes:
        stop_atr: Distance of the stop in average true ranges.
        reward: Distance of the target in distances of the stop.
        horizon_candles: Time limit.
        signal_bar: Least strength of the trend for a Long or Short of the rules.
        strategy_say: Most by which the strategies together raise or lower that strength.
        strategy_bar: Least score for a Long of a single strategy; a Short needs one minus it.
        least_confidence: Less is not acted on.
        hysteresis, cooldown_candles: Of the guards.
    """

    stop_atr: float
    reward: float
    horizon_candles: int
    signal_bar: float
    strategy_say: float
    strategy_bar: float
    least_confidence: float
    hysteresis: float
    cooldown_candles: int


@dataclass(frozen=True)
class Searched:
    """One setting that is searched.

    Attributes:
        low, high: Bounds, both included.
        step: Distance of two values; None where they are drawn from the logarithm.
        home: Where the present value is.
        lanes: Kinds of lanes that read it.
    """

    name: str
    low: float
    high: float
    step: float | None
    home: str
    lanes: tuple[str, ...] = (RULES, STRATEGY)


SPACE = (
    Searched("stop_atr", 1.0, 6.0, 0.25, "STOP_ATR in rules/plans.py"),
    Searched("reward", 0.5, 5.0, 0.25, "REWARD in rules/plans.py"),
    Searched("horizon_candles", 12, 480, None, "HORIZON_CANDLES in rules/plans.py"),
    Searched("signal_bar", 0.35, 0.85, 0.01, "SIGNAL_BAR in rules/verdict.py", (RULES,)),
    Searched("strategy_say", 0.0, 0.30, 0.02, "STRATEGY_SAY in rules/verdict.py", (RULES,)),
    Searched("strategy_bar", 0.55, 0.90, 0.01, "STRATEGY_BAR in backtesting/trading/calls.py", (STRATEGY,)),
    Searched("least_confidence", 0.45, 0.55, 0.005, "signals.min_confidence in config.yaml", (RULES,)),
    Searched("hysteresis", 0.0, 0.05, 0.005, "guards.hysteresis in config.yaml", (RULES,)),
    Searched("cooldown_candles", 0, 48, 1, "guards.cooldown_candles in config.yaml"),
)


def space_of(lane_kind: str, longest_horizon: int) -> tuple[Searched, ...]:
    """Return what is searched for a kind of lane, with time limits of at most `longest_horizon` candles."""
    return tuple(
        Searched(one.name, one.low, longest_horizon, one.step, one.home) if one.name == "horizon_candles" else one
        for one in SPACE
        if lane_kind in one.lanes
    )


def longest_horizon() -> int:
    """Return the longest time limit that is searched, in candles."""
    return next(int(one.high) for one in SPACE if one.name == "horizon_candles")


def present_settings(guards: GuardSettings, min_confidence: float) -> SearchedSettings:
    """Return the settings by which the service answers, and by which an engine acts on its answers."""
    return SearchedSettings(
        stop_atr=STOP_ATR,
        reward=REWARD,
        horizon_candles=HORIZON_CANDLES,
        signal_bar=SIGNAL_BAR,
        strategy_say=STRATEGY_SAY,
        strategy_bar=STRATEGY_BAR,
        least_confidence=min_confidence,
        hysteresis=guards.hysteresis,
        cooldown_candles=guards.cooldown_candles,
    )


def shown(settings: SearchedSettings, space: Sequence[Searched]) -> dict[str, float]:
    """Return the values of the searched settings by name."""
    return {one.name: getattr(settings, one.name) for one in space}
