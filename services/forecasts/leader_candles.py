"""The newest candles of the leading market, of those that the service has: a forecast waits for no source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cachetools import LRUCache

from domain.analysis import DataSource, MarketSnapshot
from domain.market import CandleSeries, Timeframe
from domain.naming.leaders import leader_of, leads
from features.columns.feature_sets import FEATURE_SETS
from models.serving.forecaster import Forecaster
from storage.ports import CandleKey

# Leading markets in every timeframe and of every source that are kept, about 10 KB each.
MAX_KEPT = 64
KEPT_CANDLES = 200
# The leader may be ahead of a market by some candles, which are read in vain.
AHEAD = 10
# What clients posted is read from the store.
_OF_THE_STORE = frozenset({DataSource.CLIENT, DataSource.STORED})
# Invented markets do not follow each other.
_NOT_KEPT = _OF_THE_STORE | {DataSource.SYNTHETIC}


class LeaderCandles:
    """Tells the candles of what leads a market up to a given one, from the same origin as those of the market.

    For candles that clients posted, those of the leader are posted ones too. For fetched candles, they are those that
    the same source gave when the leader itself was requested. So a replay finds the same candles again.
    """

    def __init__(self) -> None:
        """Begin with nothing kept."""
        self._kept: LRUCache[tuple[DataSource, str, Timeframe], CandleSeries] = LRUCache(MAX_KEPT)

    def keep(self, snapshot: MarketSnapshot, history: CandleSeries) -> None:
        """Keep the newest closed candles of a leading market that a source gave; of others nothing."""
        if snapshot.as_of_ms is None and snapshot.source_data not in _NOT_KEPT and leads(snapshot.symbol):
            self._kept[snapshot.source_data, snapshot.symbol, history.timeframe] = history.tail(KEPT_CANDLES)

    def wanted(self, model: Forecaster, snapshot: MarketSnapshot, timeframe: Timeframe) -> list[tuple[CandleKey, int]]:
        """Return which stored candles of the leader, and how many of them, `of` has use for: of one market or of none.

        Args:
            model, snapshot: As those of `of`.
            timeframe: Of the candles that the model reads.
        """
        leader = _leader(model, snapshot)
        if leader is None or snapshot.as_of_ms is not None or timeframe in snapshot.leader:
            return []
        stored = snapshot.source_data in _OF_THE_STORE
        return [((leader, timeframe), leader_rows(model) + AHEAD)] if stored else []

    def of(
        self,
        model: Forecaster,
        snapshot: MarketSnapshot,
        history: CandleSeries,
        stored: Mapping[CandleKey, CandleSeries],
    ) -> CandleSeries | None:
        """Return the closed candles of the leader that a model reads beside those of a market.

        Args:
            model: The model.
            snapshot: The market; candles of its leader that came with it are used first, and replays have no others.
            history: Its closed candles that the model reads.
            stored: Candles of the store, with those of `wanted` as far as it has them.

        Returns:
            Candles up to the moment of the newest of `history`. None where there is none of that moment, where the
            model reads none, or where nothing leads the market.
        """
        leader, timeframe, source = _leader(model, snapshot), history.timeframe, snapshot.source_data
        if leader is None:
            return None
        found = snapshot.leader.get(timeframe)
        if found is None and snapshot.as_of_ms is None and source in _OF_THE_STORE:
            found = stored.get((leader, timeframe))
        elif found is None and snapshot.as_of_ms is None:
            found = self._kept.get((source, leader, timeframe))
        return None if found is None else newest_of_leader(found, model, history)


def _leader(model: Forecaster, snapshot: MarketSnapshot) -> str | None:
    """Return what leads a market for a model; None where nothing does, or where the model reads no leader."""
    return model.metadata.leader(snapshot.symbol) if leader_rows(model) else None


def newest_of_leader(leader: CandleSeries, model: Forecaster, history: CandleSeries) -> CandleSeries | None:
    """Return what a model reads of a leader at the newest candle of a market; None where a candle of it is missing."""
    needed = leader_rows(model)
    known = leader.part(0, int(leader.times_ms.searchsorted(history.last_open_ms, side="right"))).tail(needed)
    return known if len(known) == needed and known.last_open_ms == history.last_open_ms else None


def leader_rows(model: Forecaster) -> int:
    """Return the candles of the leader with which a model answers as with any longer history; 0 if it reads none."""
    led = ((FEATURE_SETS[name].of_leader, length) for name, length in model.needs.items())
    return max((columns.history + length - 1 for columns, length in led if columns.columns), default=0)


def with_leaders(snapshots: Sequence[MarketSnapshot]) -> list[MarketSnapshot]:
    """Return markets of one request, each with the candles of its leader where that is among them."""
    series = {
        (snapshot.symbol, snapshot.source_data): snapshot.series for snapshot in snapshots if leads(snapshot.symbol)
    }
    leaders = ((snapshot, leader_of(snapshot.symbol)) for snapshot in snapshots)
    return [
        replace(snapshot, leader=series[leader, snapshot.source_data])
        if leader and (leader, snapshot.source_data) in series
        else snapshot
        for snapshot, leader in leaders
    ]
