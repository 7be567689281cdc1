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
        trusted: Whether the candles come from a caller whose data others may read.
        client: The client's own fields, in addition to its candles, if an LLM reads them.
        candles: Digest of the client's closed candles, see `received`; empty where it brings none.
        costs: Of the client's trades; None are the usual ones.
        old: Whether the client's candles are too old for news, see `received`.
    """

    symbol: str
    strategies: tuple[str, ...]
    snapshot: MarketSnapshot | None
    trusted: bool = False
    client: ClientContext = NOTHING_SAID
    costs: Costs | None = None
    candles: str = ""
    old: bool = False

    def received(self, now_ms: int) -> AnalysisQuery:
        """Return the query with what is known of the candles that had closed when it came, by the server's clock.

        The digest has 32 hex digits, the same for the same closed candles, whatever is still forming.
        """
        if self.snapshot is None:
            return self
        closed = self.snapshot.closed(now_ms)
        digest = blake2b(b"".join(sorted([series.digest for series in closed.values()])), digest_size=16).hexdigest()
        old = data_age(closed.values(), self.snapshot.as_of_ms, now_ms).old
        # As `dataclasses.replace`, which takes three times as long.
        return AnalysisQuery(
            self.symbol, self.strategies, self.snapshot, self.trusted, self.client, self.costs, digest, old
        )

    @property
    def current(self) -> bool:
        """Whether its analysis speaks of the market now: others may read it, and it may be scored."""
        return not self.old and (self.snapshot is None or self.snapshot.as_of_ms is None)

    @cached_property
    def cache_key(self) -> str:
        """Everything that must be equal for one analysis to answer two requests, closed candles included."""
        scope = "fetched" if self.snapshot is None else "trusted" if self.trusted else "stranger"
        key = f"{self.symbol}|{scope}|{self.candles}|{','.join(sorted(self.strategies))}"
        if self.snapshot is not None and not self.current:
            key = f"{key}|as of {self.snapshot.as_of_ms or 'an earlier time'}"
        if self.costs is not None:
            key = f"{key}|{self.costs.fee_bps:g} and {self.costs.slippage_bps:g} bps"
        if self.client == NOTHING_SAID:
            return key
        return f"{key}|{sha256(repr(self.client).encode('utf-8', 'replace')).hexdigest()[:16]}"
