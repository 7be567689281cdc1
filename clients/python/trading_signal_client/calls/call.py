"""A request and the type of its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Self, TypedDict, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from trading_signal_client.answers import Timeframe

# Text and files come as they are.
A = TypeVar("A", bound=BaseModel | str | bytes)


class Candle(TypedDict):
    """One candle: open time in epoch ms (UTC), prices in quote currency, volume in base currency."""

    timestamp: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Costs(TypedDict):
    """Costs of a trade on each side, in hundredths of a percent of the traded amount."""

    fee_bps: float
    slippage_bps: float


Candles = Mapping[Timeframe, Sequence[Candle]]


@dataclass(frozen=True)
class Call(Generic[A]):
    """A request and the type of its answer."""

    operation: str
    method: str
    template: str
    answer: type[A]
    body: Mapping[str, Any] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, int | str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None

    def named(self, key: str) -> Self:
        """Return the call that queues a job once: sent again with the same key, it is answered with the same job."""
        return replace(self, headers={**self.headers, "Idempotency-Key": key})

    @property
    def path(self) -> str:
        """The path with its parameters."""
        return self.template.format(**{name: quote(value, safe="") for name, value in self.parameters.items()})
