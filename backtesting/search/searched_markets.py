"""One time of some markets, traded by chosen settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from backtesting.figures.account import DailyReturns, daily_returns
from backtesting.search.candidates import Candidates
from backtesting.search.space import SearchedSettings
from backtesting.trading.fills import closes_ms
from backtesting.trading.orders import Call, Simulation, TradedMarket, TradingTerms
from backtesting.trading.simulation import simulate
from domain.arrays import IntArray
from domain.errors import InsufficientData
from domain.market import CandleSeries
from domain.values import utc_time

# The first one's close is that of the first judgement, the next two are an entry and its result.
_LEAST_CANDLES = 3


@dataclass(frozen=True)
class SearchedTime:
    """A time: judgements from its begin on and before its end, candles that close by its end.

    Attributes:
        begin_ms, end_ms: Epoch ms.
        purged_candles: Number of its last candles after which there is no entry, since it might last beyond the end.
    """

    begin_ms: int
    end_ms: int
    purged_candles: int = 0


@dataclass(frozen=True)
class SearchedMarket:
    """A market with the judgements that settings make calls of.

    Attributes:
        finer: Candles of a shorter timeframe, which tell the order in a candle that holds stop and target.
        first: Candle of the first judgement.
    """

    symbol: str
    series: CandleSeries
    finer: CandleSeries | None
    first: int
    candidates: Candidates

    @cached_property
    def closes_ms(self) -> IntArray:
        """When each candle closes, epoch ms."""
        return closes_ms(self.series)

    def bounds(self, span: SearchedTime) -> tuple[int, int]:
        """Return the candle at whose close the span begins, and the one after its last."""
        first, end = np.searchsorted(self.closes_ms, (span.begin_ms, span.end_ms + 1))
        return int(first), int(end)

    def part(self, span: SearchedTime, turns: Mapping[int, SearchedSettings]) -> TradedMarket | None:
        """Return the candles and calls of a span, None where it has fewer than three candles.

        Args:
            span: The time.
            turns: Settings by the moment from which on they count, epoch ms, ascending, the first not after the span's.
        """
        first, end = self.bounds(span)
        if end - first < _LEAST_CANDLES:
            return None
        turned = np.searchsorted(self.closes_ms, list(turns)).tolist()
        edges = [min(max(at, first), end - span.purged_candles) for at in [*turned, end]]
        calls: list[Call] = []
        for (begin, until), settings in zip(pairwise(edges), turns.values(), strict=True):
            own = self.candidates.calls(settings, begin, until)
            calls += [replace(call, position=call.position + begin - first) for call in own] if begin > first else own
        return TradedMarket(self.symbol, self.series.part(first, end), calls, self._finer(span))

    def _finer(self, span: SearchedTime) -> CandleSeries | None:
        if self.finer is None:
            return None
        first, end = np.searchsorted(self.finer.times_ms, (span.begin_ms - self.series.timeframe.ms, span.end_ms))
        return self.finer.part(int(first), int(end)) if first < end else None


@dataclass(frozen=True)
class Played:
    """The result of a span."""

    markets: Sequence[TradedMarket]
    simulation: Simulation
    returns: DailyReturns


@dataclass(frozen=True)
class SearchedMarkets:
    """Some markets, at least one, on one account."""

    markets: Sequence[SearchedMarket]
    terms: TradingTerms

    @property
    def time(self) -> SearchedTime:
        """From the first judgement to the last close."""
        begins = [int(market.closes_ms[market.first]) for market in self.markets]
        return SearchedTime(min(begins), max(int(market.closes_ms[-1]) for market in self.markets))

    def play(self, span: SearchedTime, settings: SearchedSettings) -> Played:
        """Trade a span by some settings.

        Raises:
            InsufficientData: no market has candles in it.
        """
        return self.play_in_turn(span, {span.begin_ms: settings})

    def play_in_turn(self, span: SearchedTime, turns: Mapping[int, SearchedSettings]) -> Played:
        """Trade a span on one account, by other settings from each of some moments (epoch ms, ascending) on.

        A position that is open when the settings change keeps its exits.

        Raises:
            InsufficientData: no market has candles in it.
        """
        parts = [market.part(span, turns) for market in self.markets]
        traded = [part for part in parts if part is not None]
        if not traded:
            first, last = (utc_time(moment).date() for moment in (span.begin_ms, span.end_ms))
            raise InsufficientData(f"no market has {_LEAST_CANDLES} candles from {first} to {last}")
        found = simulate(traded, self.terms)
        around_the_clock = any(market.series.sessions.continuous for market in traded)
        return Played(traded, found, daily_returns(found.curve, around_the_clock))
