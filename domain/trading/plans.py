"""Trade plans: what an analysis proposes to do."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.values import Frozen, Price, Signal


def exits_fit(side: int, price: float, stop: float | None, target: float | None) -> bool:
    """Return whether at this price the stop is on the losing side and the target on the winning one.

    Args:
        side: 1 of Long, -1 of Short.
        price: In the unit of the exits.
        stop, target: None where there is none, which always fits.
    """
    return (stop is None or side * (price - stop) > 0) and (target is None or side * (target - price) > 0)


class PlanTerms(Frozen):
    """The terms of a plan.

    Attributes:
        side: Long or Short.
        entry: Price at which it is entered.
        stop: Price on the losing side.
        target: Price on the winning side.
        horizon_candles: Time limit, in candles of the plan's timeframe: at the close of the last of them it ends.
    """

    side: Signal
    entry: Price
    stop: Price
    target: Price
    horizon_candles: Annotated[int, Field(ge=1)]


class TradePlan(PlanTerms):
    """One trade, from its entry to whichever comes first: target, stop or the time limit."""

    @model_validator(mode="after")
    def _sides_fit(self) -> Self:
        side = self.side.side
        if not side:
            raise ValueError("a plan is Long or Short")
        if not exits_fit(side, self.entry, self.stop, self.target):
            raise ValueError("the stop lies on the losing side of the entry, the target on the winning one")
        return self

    @property
    def risk(self) -> float:
        """Distance of the stop, in the unit of the price: 1 R."""
        return abs(self.entry - self.stop)

    @property
    def risk_bps(self) -> float:
        """The same in hundredths of a percent of the entry."""
        return 1e4 * self.risk / self.entry

    @property
    def reward(self) -> float:
        """Distance of the target in R."""
        return abs(self.target - self.entry) / self.risk

    @property
    def break_even(self) -> float:
        """Probability of the target before the stop at which the plan earns nothing, before costs, 0..1."""
        return 1 / (1 + self.reward)
