"""What a trade costs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Self

from pydantic import Field

from domain.naming.symbols import Symbol, SymbolKind
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


class MarketCosts(Frozen):
    """Costs of trading each market, by what is traded.

    Attributes:
        fee_bps, slippage_bps: Of the kinds that have none of their own, and of symbols of no known kind.
        by_kind: Those of other kinds.
    """

    fee_bps: CostBps
    slippage_bps: CostBps
    by_kind: Mapping[SymbolKind, Costs] = Field(default_factory=dict)

    def of(self, symbol: str) -> Costs:
        """Return the costs of a market."""
        kind = Symbol.of(symbol).kind
        own = self.by_kind.get(kind) if kind else None
        return own or _costs(self.fee_bps, self.slippage_bps)

    def replaced(self, fee_bps: float | None, slippage_bps: float | None) -> Self:
        """Return them with another fee or slippage in every market, where it is not None."""
        given = {"fee_bps": fee_bps, "slippage_bps": slippage_bps}
        update = {name: value for name, value in given.items() if value is not None}
        by_kind = {kind: costs.model_copy(update=update) for kind, costs in self.by_kind.items()}
        return self.model_copy(update={**update, "by_kind": by_kind})


# Every analysis asks for those of its market several times, and a search once for each judgement.
@lru_cache(16)
def _costs(fee_bps: float, slippage_bps: float) -> Costs:
    return Costs(fee_bps=fee_bps, slippage_bps=slippage_bps)
