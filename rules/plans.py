"""Trade plans: stop, target and time limit of a signal."""

from __future__ import annotations

from dataclasses import dataclass

from domain.trading.plans import TradePlan
from domain.values import Signal, round_significant

# Chosen on 2017-2022 (docs/rule-evidence.md): nearer stops lose to costs what they win, wider ones leave too few
# independent plans to measure.
STOP_ATR = 3.0
REWARD = 2.0
# One in 24 plans is still open after this.
HORIZON_CANDLES = 240
# Bounds of exits proposed by an LLM: distance of the stop in Average True Ranges, reward over risk.
PROPOSED_STOP_ATR = (1.0, 5.0)
PROPOSED_REWARD = (1.0, 10.0)


@dataclass(frozen=True)
class Exits:
    """Prices at which to leave a position: at a loss, and with a profit."""

    stop: float
    target: float


def make_plan(signal: Signal, price: float, average_true_range: float, proposed: Exits | None = None) -> TradePlan:
    """Return the plan of a signal: with the proposed exits where they fit (`exits_fit`), else with those of the rules.

    Args:
        signal: Long or Short.
        price: Current price, more than six ATR.
        average_true_range: In the unit of the price, > 0.
        proposed: By an LLM.
    """
    exits = proposed
    if exits is None or not exits_fit(exits, signal, price, average_true_range):
        exits = find_exits(signal, price, average_true_range)
    stop, target = round_significant(exits.stop), round_significant(exits.target)
    return TradePlan(side=signal, entry=price, stop=stop, target=target, horizon_candles=HORIZON_CANDLES)


def find_exits(signal: Signal, price: float, average_true_range: float) -> Exits:
    """Return the exits of the rules: the stop three ATR away, the target twice as far on the other side."""
    risk = STOP_ATR * average_true_range
    return Exits(price - signal.side * risk, price + signal.side * REWARD * risk)


def exits_fit(exits: Exits, signal: Signal, price: float, average_true_range: float) -> bool:
    """Return whether proposed exits can be used.

    The stop is on the losing side and 1 to 5 ATR away, the target on the winning side and 1 to 10 times as far.
    """
    if signal is Signal.NEUTRAL:
        return False
    side = signal.side
    risk, reward = side * (price - exits.stop), side * (exits.target - price)
    nearest, farthest = (distance * average_true_range for distance in PROPOSED_STOP_ATR)
    least, most = (times * risk for times in PROPOSED_REWARD)
    return nearest <= risk <= farthest and least <= reward <= most and min(exits.stop, exits.target) > 0
