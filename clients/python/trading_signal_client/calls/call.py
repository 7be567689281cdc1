"""A request and the type of its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypedDict, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from trading_signal_client.answers import Timeframe

A = TypeVar("A", bound=BaseModel)


class Candle(TypedDict):
    """One candle: open time in epoch ms (UTC), prices in quote currency, volume in base currency."""

    timestamp: int
    open: float
    high: float
    low: float
    close: float
    volume: float


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

    @property
    def path(self) -> str:
        """The path with its parameters."""
        return self.template.format(**{name: quote(value, safe="") for name, value in self.parameters.items()})
