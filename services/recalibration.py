"""Recalibrates each model in production by the outcomes of its own forecasts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from loguru import logger

from config.model_settings import ModelSettings
from domain.errors import ModelNotFound, ModelUnusable
from domain.ledger.entries import LedgerLane
from domain.values import epoch_ms
from models.recalibration.fitting import SettledForecasts
from models.recalibration.judging import RecalibrationGate
from models.recalibration.recalibration_file import add_recalibration, read_recalibrations
from models.recalibration.records import Recalibration, Recalibrations
from models.registry.aliases import Aliases
from models.registry.metadata import ModelMetadata
from models.registry.registries import PLANS, Registries, RegistryKey
from models.registry.registry import Registry
from services.ledger.followed_forecasts import followed_documents, followed_forecast, is_followed
from services.ledger.settled_forecasts import SettledForecast, settled_forecasts
from storage.document_ports import DocumentStore
from storage.ledger_ports import LedgerStore
from utils.clock import Clock

# Newest settled forecasts of a version that are read: eight symbols hourly make 70,000 in a year.
MAX_FORECASTS = 100_000
# A version may have forecast as a candidate before it was put into production.
_LANES = (LedgerLane.MODEL, LedgerLane.SHADOW)
_NOT_OF_PLANS = (
    "it is a plan model: where it has no answer the evidence states the chance of a plan in its place, and the ledger "
    "does not tell the two apart"
)


class ModelRecalibration:
    """Fits, judges and keeps recalibrations; what serves takes them over like another version in production."""

    def __init__(
        self,
        registries: Registries,
        ledger: LedgerStore,
        documents: DocumentStore,
        settings: ModelSettings,
        announce: Callable[[], object],
        clock: Clock,
    ) -> None:
        """Keep the parts.

        Args:
            registries: Have the versions, and each a file of recalibrations.
            ledger: Has the settled forecasts of the next candle.
            documents: Have those of further horizons, and the identities of the lanes, which tell by what calibration
                each was stated.
            settings: How often, of how many, and how it is judged.
            announce: Lets every replica look at the registry at once.
            clock: The server's.
        """
        self._registries = registries
        self._ledger = ledger
        self._documents = documents
        self._settings = settings
        self._announce = announce
        self._clock = clock

    async def recalibrate(self, *, full: bool = False) -> dict[str, Any]:
        """Recalibrate each version in production, of every horizon, that is due and has enough settled forecasts.

        Args:
            full: All of them, whenever the last time was.

        Returns:
            `recalibrated` and `kept`, each with the reason and the figures, and `skipped`, each with `why`. Versions of
            further horizons have `horizon_candles`.

        Raises:
            StorageUnavailable: ledger or documents do not answer.
            ModelCorrupt: the file of aliases or of recalibrations cannot be read.
            ModelStorageUnavailable: the latter cannot be written.
        """
        done: dict[str, list[dict[str, Any]]] = {"recalibrated": [], "kept": [], "skipped": []}
        for key in self._registries:
            aliases, known = await asyncio.to_thread(self._read, self._registries.at(key))
            for scope in aliases.scopes:
                if scope.production is None:
                    continue
                named: dict[str, Any] = {
                    "symbol": scope.symbol,
                    "timeframe": scope.timeframe.value,
                    "version": scope.production,
                }
                if key.horizon is not None:
                    named["horizon_candles"] = key.horizon
                found = _NOT_OF_PLANS if key == PLANS else await self._one(key, scope.production, known, full=full)
                if isinstance(found, str):
                    done["skipped"].append({**named, "why": found})
                    continue
                done["recalibrated" if found.taken else "kept"].append({**named, **_public(found)})
                told = logger.bind(**named, taken=found.taken, reason=found.reason)
                told.info("the calibration of a model was judged")
        if done["recalibrated"]:
            self._announce()
        return done

    def _read(self, registry: Registry) -> tuple[Aliases, Recalibrations]:
        return registry.aliases(), read_recalibrations(registry.root)

    async def _one(self, key: RegistryKey, version: str, known: Recalibrations, *, full: bool) -> Recalibration | str:
        """Return the recalibration of a version that forecasts the close, or why there is none."""
        own, now, settings = known.of(version), self._clock.now(), self._settings.recalibration
        due = own[-1].at + timedelta(days=settings.interval_days) if own else now
        if now < due and not full:
            return f"judged at {own[-1].at:%Y-%m-%d %H:%M} UTC, due from {due:%Y-%m-%d %H:%M} UTC on"
        try:
            model = (await asyncio.to_thread(self._registries.at(key).open, version)).metadata
        except (ModelNotFound, ModelUnusable) as error:
            return error.message
        settled = await self._settled(key, model, now - timedelta(days=settings.window_days))
        return await asyncio.to_thread(self._judged, key, model, settled, known)

    async def _settled(self, key: RegistryKey, model: ModelMetadata, since: datetime) -> list[SettledForecast]:
        if is_followed(key, model.horizon_candles):
            return list(map(followed_forecast, await followed_documents(self._documents, key, model.version, since)))
        since_ms = epoch_ms(since)
        return await settled_forecasts(self._ledger, self._documents, model.version, MAX_FORECASTS, since_ms, _LANES)

    def _judged(
        self, key: RegistryKey, model: ModelMetadata, settled: Sequence[SettledForecast], known: Recalibrations
    ) -> Recalibration | str:
        version = model.version
        forecasts = _uncorrected(settled, {one.at_ms: one for one in known.of(version)})
        gate = RecalibrationGate(self._settings, len(forecasts.names), model.horizon_candles, model.timeframe.ms)
        if len(forecasts) < gate.needed:
            days = self._settings.recalibration.window_days
            return f"{len(forecasts)} forecasts of the newest {days:g} days are settled, {gate.needed} are needed"
        before = known.in_force(version)
        # Forecasts that were made while reading still had the earlier calibration.
        found = gate.judge(forecasts, before, self._clock.now())
        if not add_recalibration(self._registries.at(key), version, found, before):
            return "another process has recalibrated it meanwhile"
        return found


def _uncorrected(settled: Sequence[SettledForecast], own: Mapping[int, Recalibration]) -> SettledForecasts:
    """Return forecasts as the version's own calibration gave them; those by an unknown recalibration are left out."""
    rows = []
    for said in settled:
        probability = said.probability_up
        if said.calibrated_at is not None:
            by = own.get(said.calibrated_at)
            if by is None:
                continue
            probability = by.of(said.symbol).undo(probability)
        rows.append((said.closed_ms, said.symbol, probability, said.rose))
    return SettledForecasts.of(rows)


def _public(found: Recalibration) -> dict[str, Any]:
    return {
        "reason": found.reason,
        "fitted": found.fitted,
        "judged": found.judged,
        "slope": found.pooled.slope,
        "slopes": {symbol: one.slope for symbol, one in found.symbols.items()},
        "brier": found.comparison.brier,
        "brier_before": found.comparison.against_brier,
    }
