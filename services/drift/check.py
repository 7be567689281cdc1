"""One check of a model in production: its features beside the training, and its settled answers."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Executor
from dataclasses import replace

from config.watch_settings import DriftSettings
from domain.errors import ModelNotFound, ModelUnusable
from models.drift.verdicts import (
    BrierTrend,
    DriftStatus,
    FeatureDrift,
    SettledAnswer,
    brier_trend,
    drifted,
    feature_drifts,
)
from models.drift.verdicts import features_status as status_of
from models.registry.metadata import ModelMetadata
from models.registry.registries import Registries, RegistryKey
from services.drift.findings import MAX_WORST, DriftFinding
from services.drift.market_rows import DriftCandles, NewestStoredRows
from services.drift.version_references import VersionReference, version_references
from services.ledger.followed_forecasts import (
    MOST_NEWEST,
    apart_in_time,
    followed_documents,
    followed_forecast,
    is_followed,
)
from services.ledger.settled_forecasts import settled_forecasts
from storage.document_ports import DocumentStore
from storage.ledger_ports import LedgerStore
from storage.ports import CandleStore
from utils.clock import Clock
from utils.concurrency import run_blocking

_NAMED = 3
_TRAINED_BEFORE = "it was trained before the features of a training were kept, or imported"


class DriftCheck:
    """Compares a version with what it was trained on; files and features are read and computed in the executor."""

    def __init__(
        self,
        *,
        registries: Registries,
        store: CandleStore,
        ledger: LedgerStore,
        documents: DocumentStore,
        settings: DriftSettings,
        clock: Clock,
        executor: Executor,
    ) -> None:
        """Keep the parts.

        Args:
            registries: Have the versions with their references.
            store: Has candles.
            ledger: Has the answers and their settlements.
            documents: Has the identities of the model's lane.
            settings: Limits.
            clock: The server's.
            executor: For work off the event loop.
        """
        self._registries = registries
        self._candles = DriftCandles(store, clock, executor)
        self._ledger = ledger
        self._documents = documents
        self._settings = settings
        self._clock = clock
        self._executor = executor

    async def of(
        self, key: RegistryKey, model: ModelMetadata, others: Collection[str], known: DriftFinding | None
    ) -> DriftFinding:
        """Return what is found of a version now.

        Where no market has enough fresh candles, what an earlier check found of its features still stands.

        Args:
            key: Of which registry.
            model: In production of it.
            others: Symbols of its registry and timeframe with a model of their own.
            known: The check before, of any version.

        Raises:
            StorageUnavailable: store, ledger or documents do not answer.
        """
        trend = await self._trend(key, model) if key.target == "close" else None
        blank = DriftFinding(
            symbol=model.symbol,
            timeframe=model.timeframe,
            version=model.version,
            model_type=model.type,
            status=DriftStatus.NO_REFERENCE,
            features_status=DriftStatus.NO_REFERENCE,
            reason="",
            checked_at=self._clock.now(),
            brier=trend,
            key=key,
        )
        try:
            references = await run_blocking(self._executor, version_references, self._registries.at(key), model)
        except (ModelNotFound, ModelUnusable) as error:
            return _concluded(blank, error.message)
        if not references:
            return _concluded(blank, _TRAINED_BEFORE)
        found = await self._candles.rows(model, others, references)
        if found.rows:
            features = await run_blocking(self._executor, _compared, references, found)
            return self._of_features(blank, features, found)
        if known is not None and known.version == model.version and known.features:
            still = replace(known, checked_at=blank.checked_at, brier=trend)
            return _concluded(still, f"{_far(still)}, when there were fresh candles last; {found.lacking}")
        return _concluded(replace(blank, features_status=DriftStatus.TOO_FEW), found.lacking)

    async def _trend(self, key: RegistryKey, model: ModelMetadata) -> BrierTrend:
        version, most, horizon = model.version, self._settings.brier_entries, model.horizon_candles
        if is_followed(key, horizon):
            read = min(most * horizon, MOST_NEWEST)
            found = await followed_documents(self._documents, key, version, most=read)
            # The test needs independent losses, and moves that overlap are not independent.
            settled = [followed_forecast(one) for one in apart_in_time(found)][-most:]
        else:
            settled = await settled_forecasts(self._ledger, self._documents, version, most)
        answers = [SettledAnswer(one.closed_ms, one.probability_up, one.rose) for one in settled]
        return await run_blocking(self._executor, brier_trend, answers, self._settings)

    def _of_features(
        self, blank: DriftFinding, features: tuple[FeatureDrift, ...], found: NewestStoredRows
    ) -> DriftFinding:
        compared = replace(
            blank,
            candles=max(map(len, found.rows)),
            newest_ms=found.newest_ms,
            features=len(features),
            drifted=drifted(features, self._settings),
            worst=features[:MAX_WORST],
            features_status=status_of(features, self._settings),
        )
        return _concluded(compared, _far(compared))


def _compared(references: tuple[VersionReference, ...], found: NewestStoredRows) -> tuple[FeatureDrift, ...]:
    return feature_drifts((own.reference, rows) for own, rows in zip(references, found.rows, strict=True))


def _concluded(finding: DriftFinding, of_features: str) -> DriftFinding:
    """Return a finding with its status, an alarm where features or answers raise one, and the reason."""
    risen = finding.brier is not None and finding.brier.risen_ms is not None
    status = DriftStatus.ALARM if risen else finding.features_status
    reason = f"{_risen(finding.brier)}; {of_features}" if risen and finding.brier else of_features
    return replace(finding, status=status, reason=reason)


def _risen(trend: BrierTrend) -> str:
    means = f"from {trend.earlier:.4f} to {trend.recent:.4f}" if trend.earlier is not None else "at the start"
    return f"the Brier loss of its answers has risen, in halves {means} over {trend.count} candles"


def _far(finding: DriftFinding) -> str:
    count = f"{finding.drifted} of {finding.features} features are further from the training than any stretch of it"
    if finding.features_status is DriftStatus.NONE:
        return count
    named = (f"{one.feature} (PSI {one.psi:.2f}, KS {one.ks:.2f})" for one in finding.worst[:_NAMED])
    return f"{count}; furthest: {', '.join(named)}"
