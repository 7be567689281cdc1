"""Figures of candidates beside the models in production, by the sums of the ledger.

Those of further horizons are in `beside.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from domain.ledger.days import Aggregate
from domain.ledger.entries import NEXT_CANDLE, LedgerLane
from models.registry.aliases import Aliases, ScopeAliases
from models.registry.registries import RegistryKey
from models.registry.shadows import Shadow, ShadowFigures
from services.ledger.scoring.clusters import RecordGroup
from services.ledger.scoring.levels import Level
from services.ledger.scoring.pairs import pairs_of
from services.ledger.scoring.records import RecordKey
from storage.document_ports import LEDGER_LANES, DocumentStore
from storage.ledger_ports import LedgerStore

_MAX_LANES = 1_000


@dataclass(frozen=True)
class _DaySums:
    """Sums of the days since the first shadow began, and the lanes behind their ids."""

    pairs: Sequence[Aggregate]
    lanes: Sequence[Aggregate]
    shadow_ids: Mapping[str, frozenset[str]]
    model_ids: Mapping[str, frozenset[str]]


def shadows_of(aliases: Aliases) -> dict[str, ScopeAliases]:
    """Return the symbols and timeframes with a candidate that shadows, by its version."""
    return {scope.shadow.version: scope for scope in aliases.scopes if scope.shadow is not None}


async def read_figures(
    shadows: Sequence[Shadow], ledger: LedgerStore, documents: DocumentStore, now: datetime
) -> dict[str, ShadowFigures]:
    """Return the figures of each candidate, by its version.

    A new release of the service begins new records of the lanes; to a version that makes no difference, so all of its
    records since the shadow began count. Of each candle of a market the first forecast of either counts.

    Args:
        shadows: To look up; without any the stores are not asked.
        ledger: Has the sums.
        documents: Has the identities of the lanes.
        now: Aware UTC time.

    Raises:
        StorageUnavailable: ledger or documents do not answer.
    """
    if not shadows:
        return {}
    since = min(shadow.since for shadow in shadows).date()
    sums = _DaySums(
        pairs=await ledger.aggregates(Level.PAIR, since, now.date()),
        lanes=await ledger.aggregates(Level.ALL, since, now.date()),
        shadow_ids=await _ids(documents, LedgerLane.SHADOW),
        model_ids=await _ids(documents, LedgerLane.MODEL),
    )
    return await asyncio.to_thread(lambda: {shadow.version: _figures(shadow, sums) for shadow in shadows})


async def _ids(documents: DocumentStore, lane: LedgerLane) -> dict[str, frozenset[str]]:
    """Return the ids of a lane by the version of the model behind them."""
    found: dict[str, frozenset[str]] = {}
    for known in await documents.newest(LEDGER_LANES, _MAX_LANES, {"lane": lane.value}):
        version = str(known["parts"].get("model"))
        found[version] = found.get(version, frozenset()) | {known["lane_id"]}
    return found


def _figures(shadow: Shadow, sums: _DaySums) -> ShadowFigures:
    begun, nothing = shadow.since.date(), frozenset[str]()
    own, served = sums.shadow_ids.get(shadow.version, nothing), sums.model_ids.get(shadow.production, nothing)
    beside = {f"{LedgerLane.SHADOW} {lane_id}" for lane_id in own}
    produced = sum(
        one.sums.get("stated", 0.0)
        for one in sums.lanes
        if one.lane_id in served and one.horizon == NEXT_CANDLE and one.day >= begun
    )
    paired = [one for one in sums.pairs if _counts(one, begun) and one.lane_id in served and one.bin in beside]
    if not paired:
        return ShadowFigures(produced=round(produced))
    group = RecordGroup(paired[0].day, paired[0].day, {})
    for one in paired:
        group.add(one.day, one.sums)
    (pair,) = pairs_of({RecordKey(LedgerLane.MODEL, paired[0].timeframe, NEXT_CANDLE): group})
    return ShadowFigures(
        settled=pair.stated,
        produced=round(produced),
        brier_gain=pair.brier_gain,
        low=pair.brier_low,
        high=pair.brier_high,
    )


def _counts(one: Aggregate, begun: date) -> bool:
    return one.lane == LedgerLane.MODEL and one.horizon == NEXT_CANDLE and one.day >= begun


def public_shadows(
    key: RegistryKey, aliases: Aliases, needed: int, figures: Mapping[str, ShadowFigures]
) -> list[dict[str, Any]]:
    """Return what is known of every shadow: of each symbol and timeframe those that have ended, then what goes on.

    Args:
        key: Which registry it is.
        aliases: All of it.
        needed: Settled forecasts after which a shadow is decided.
        figures: The newest of those that go on, by version; null where they are not known.
    """
    return [one for scope in aliases.scopes for one in _of_scope(key, scope, needed, figures)]


def _of_scope(
    key: RegistryKey, scope: ScopeAliases, needed: int, figures: Mapping[str, ShadowFigures]
) -> Iterator[dict[str, Any]]:
    place = {"symbol": scope.symbol, "timeframe": scope.timeframe, "horizon_candles": key.horizon}
    for end in scope.shadowed:
        yield {**place, **_public(end, needed, end.figures), "state": end.end, "at": end.at, "reason": end.why}
    if scope.shadow is not None:
        known = _public(scope.shadow, needed, figures.get(scope.shadow.version))
        yield {**place, **known, "state": "shadowing", "at": None, "reason": scope.shadow.reason}


def _public(shadow: Shadow, needed: int, figures: ShadowFigures | None) -> dict[str, Any]:
    numbers = figures.model_dump() if figures else dict.fromkeys(ShadowFigures.model_fields)
    named = {"version": shadow.version, "production": shadow.production, "since": shadow.since}
    return {**named, "needed": needed, **numbers}
