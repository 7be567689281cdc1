"""What a trade costs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from domain.values import Frozen

SIDES_OF_A_TRADE = 2
# Half of the value traded: with a fee and slippage of as much there would be nothing left.
MAX_BPS = 5_000
CostBps = Annotated[float, Field(ge=0, lt=MAX_BPS)]
# What a position pays; below 0 it is paid.
FundingBps = Annotated[float, Field(gt=-MAX_BPS, lt=MAX_BPS)]


class Costs(Frozen):
    """Costs of a change of position, in hundredths of a percent of the value traded; a round trip pays twice."""

    fee_bps: CostBps
    slippage_bps: CostBps

    @property
    def fraction(self) -> float:
        """Both together as a fraction."""
        return (self.fee_bps + self.slippage_bps) / 1e4

    @property
    def round_trip_bps(self) -> float:
        """Of an entry and an exit."""
        return SIDES_OF_A_TRADE * (self.fee_bps + self.slippage_bps)
