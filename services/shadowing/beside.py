"""Figures of candidates beside models in production of every horizon; of further ones, by followed forecasts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from domain.errors import ModelNotFound, ModelUnusable
from domain.ledger.entries import NEXT_CANDLE
from models.registry.aliases import Aliases
from models.registry.registries import Registries, RegistryKey
from models.registry.shadows import Shadow, ShadowFigures
from services.ledger.followed_forecasts import MOST_NEWEST, apart_in_time, followed_documents, is_followed, stretch_of
from services.ledger.scoring.clusters import ClusterSums, RecordGroup, write_clusters
from services.ledger.scoring.intervals import mean_reach
from services.shadowing.figures import read_figures, shadows_of
from storage.document_ports import Document, DocumentStore
from storage.ledger_ports import LedgerStore


async def figures_beside(
    registries: Registries,
    key: RegistryKey,
    aliases: Aliases,
    stores: tuple[LedgerStore, DocumentStore],
    now: datetime,
) -> dict[str, ShadowFigures]:
    """Return the figures of each candidate of a registry, by its version.

    Args:
        registries: Have the versions.
        key: Which registry.
        aliases: Of it.
        stores: Have what was settled.
        now: Aware UTC time.

    Raises:
        StorageUnavailable: a store does not answer.
    """
    (ledger, documents), found, in_ledger = stores, dict[str, ShadowFigures](), list[Shadow]()
    for version, scope in shadows_of(aliases).items():
        if scope.shadow is None:
            continue
        if is_followed(key, await asyncio.to_thread(_horizon, registries, key, scope.shadow.production)):
            found[version] = await _followed(documents, key, scope.shadow)
        else:
            in_ledger.append(scope.shadow)
    return found | await read_figures(in_ledger, ledger, documents, now)


def _horizon(registries: Registries, key: RegistryKey, version: str) -> int:
    try:
        return registries.at(key).open(version).metadata.horizon_candles
    except (ModelNotFound, ModelUnusable):  # the watch over the models' folders names it
        return key.horizon or NEXT_CANDLE


async def _followed(documents: DocumentStore, key: RegistryKey, shadow: Shadow) -> ShadowFigures:
    """Return the figures of a candidate by its followed forecasts.

    The first forecast of each market counts in each stretch as long as the horizon, since later moves overlap with it.
    Those of all markets in a stretch are one cluster, as in the ledger's figures.
    """
    own = await followed_documents(documents, key, shadow.version, shadow.since, MOST_NEWEST)
    served = await followed_documents(documents, key, shadow.production, shadow.since, MOST_NEWEST)
    return await asyncio.to_thread(_figures, shadow, own, served)


def _figures(shadow: Shadow, own: Sequence[Document], served: Sequence[Document]) -> ShadowFigures:
    pairs = apart_in_time([one for one in own if one["production"] == shadow.production])
    produced = len(apart_in_time(served))
    if not pairs:
        return ShadowFigures(produced=produced)
    rose = np.array([one["close"] > one["price"] for one in pairs], np.float64)
    of_production, of_candidate = (
        (np.array([one[name] for one in pairs]) - rose) ** 2 for name in ("production_up", "probability_up")
    )
    gains = of_production - of_candidate
    clusters, ones = np.array([stretch_of(one) for one in pairs]), np.ones(len(pairs))
    sums = write_clusters(np.zeros(len(pairs), np.int64), clusters, ones, {"brier": gains}, 1, "stated")
    day = shadow.since.date()
    group = RecordGroup(day, day, {name: float(value[0]) for name, value in sums.items()})
    measured = ClusterSums.read([group], "brier", "stated")
    reach = float(mean_reach(np.sqrt(np.nan_to_num(measured.variance)), measured.effective)[0])
    gain = float(gains.mean())
    return ShadowFigures(
        settled=len(pairs),
        produced=produced,
        brier_gain=gain,
        low=None if np.isnan(reach) else gain - reach,
        high=None if np.isnan(reach) else gain + reach,
    )
