"""What a trade costs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from domain.values import Frozen

SIDES_OF_A_TRADE = 2


class Costs(Frozen):
    """Costs of a change of position, in hundredths of a percent of the value traded; a round trip pays twice."""

    fee_bps: Annotated[float, Field(ge=0, lt=5_000)]
    slippage_bps: Annotated[float, Field(ge=0, lt=5_000)]

    @property
    def fraction(self) -> float:
        """Both together as a fraction."""
        return (self.fee_bps + self.slippage_bps) / 1e4

    @property
    def round_trip_bps(self) -> float:
        """Of an entry and an exit."""
        return SIDES_OF_A_TRADE * (self.fee_bps + self.slippage_bps)
