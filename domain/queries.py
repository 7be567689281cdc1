"""A request for an analysis, and what the client says of itself and of the market."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b, sha256

from domain.analysis import MarketSnapshot
from domain.timeframe_data import data_age
from domain.trading.costs import Costs


@dataclass(frozen=True)
class NewsSentiment:
    """A client's view of the news; None where it has none. Fear and greed is an index, 0 to 100."""

    overall: str | float | None = None
    positive: int | None = None
    negative: int | None = None
    neutral: int | None = None
    fear_greed: float | None = None


@dataclass(frozen=True)
class ClientContext:
    """A client's own words on the market and on itself, which an LLM weighs and never obeys.

    Attributes:
        strategies: Those of the client's own, by its names.
        preferences: By name, in the order of the names.
    """

    market_condition: str | None = None
    risk_level: str | None = None
    risk_tolerance: str | None = None
    strategies: tuple[str, ...] = ()
    preferences: tuple[tuple[str, str | float | bool], ...] = ()
    news: NewsSentiment | None = None


NOTHING_SAID = ClientContext()


@dataclass(frozen=True)
class AnalysisQuery:
    """A request for an analysis.

    Attributes:
        symbol: Market, such as BTCUSDT.
        strategies: Names of the selected strategies, in the requested order.
        snapshot: The client's own candles; None asks the service to fetch them.
        received_ms: When it came, by the server's clock, in epoch ms: what closes later was still forming.
        trusted: Whether the candles come from a caller whose data others may read.
        client: The client's own fields, in addition to its candles, if an LLM reads them.
        costs: Of the client's trades; None are the usual ones.
    """

    symbol: str
    strategies: tuple[str, ...]
    snapshot: MarketSnapshot | None
    received_ms: int
    trusted: bool = False
    client: ClientContext = NOTHING_SAID
    costs: Costs | None = None

    @property
    def current(self) -> bool:
        """Whether its analysis speaks of the market now: others may read it, and it may be scored."""
        return self.snapshot is None or (self.snapshot.as_of_ms is None and not self._closed_candles[1])

    @cached_property
    def cache_key(self) -> str:
        """Everything that must be equal for one analysis to answer two requests, closed candles included."""
        scope = "fetched" if self.snapshot is None else "trusted" if self.trusted else "stranger"
        key = f"{self.symbol}|{scope}|{self._closed_candles[0]}|{','.join(sorted(self.strategies))}"
        if self.snapshot is not None and not self.current:
            key = f"{key}|as of {self.snapshot.as_of_ms or 'an earlier time'}"
        if self.costs is not None:
            key = f"{key}|{self.costs.fee_bps:g} and {self.costs.slippage_bps:g} bps"
        if self.client == NOTHING_SAID:
            return key
        return f"{key}|{sha256(repr(self.client).encode('utf-8', 'replace')).hexdigest()[:16]}"

    @cached_property
    def _closed_candles(self) -> tuple[str, bool]:
        """A digest of the client's closed candles, whatever is still forming, and whether they are too old for news.

        The digest has 32 hex digits; it is empty where the client brings no candles.
        """
        if self.snapshot is None:
            return "", False
        closed = self.snapshot.closed(self.received_ms).values()
        digest = blake2b(b"".join(sorted([series.digest for series in closed])), digest_size=16).hexdigest()
        return digest, data_age(closed, self.snapshot.as_of_ms, self.received_ms).old
