"""A closed trade of a client."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from domain.values import Frozen, Price


class ClosedTrade(Frozen):
    """A closed trade, as its client reports it.

    Attributes:
        pnl_usdt: Profit or loss in USDT.
        pnl_percentage: The same in percent of the margin.
        open_time, close_time: In the client's own form, for the record only.
        ai_confidence: Of the signal that was acted on, 0 to 1.
        trusted: Whether a trusted client reported it; a stranger's trade may be invented.
    """

    trade_id: str
    symbol: str
    side: str
    entry_price: Price
    exit_price: Price
    quantity: Annotated[float, Field(ge=0)]
    leverage: Annotated[float, Field(gt=0)]
    pnl_usdt: float
    pnl_percentage: float
    duration_seconds: Annotated[float, Field(ge=0)] | None = None
    close_reason: str | None = None
    open_time: str | int | None = None
    close_time: str | int | None = None
    strategy_name: str | None = None
    ai_confidence: float | None = None
    ai_reasoning: str | None = None
    trusted: bool = False

    @property
    def is_winning(self) -> bool:
        """Whether it made money."""
        return self.pnl_usdt > 0

    @property
    def move_percent(self) -> float:
        """The move of the price from entry to exit in percent, positive where it went the trade's way."""
        side = -1 if self.side.lower() in {"short", "sell"} else 1
        return side * 100 * (self.exit_price / self.entry_price - 1)
