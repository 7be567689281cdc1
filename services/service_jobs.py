"""The work of jobs that need the parts of the service; each takes and returns JSON-like values."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Any

from domain.analysis import Analysis
from domain.errors import AppError, JobFailed
from domain.job_kinds import JobKind
from domain.jobs import JobProgress, TellProgress
from domain.reports import Report
from services.jobs.runner import ServiceWork
from services.ledger.parity.nightly import NightlyParity
from services.ledger.settling.settler import Settler
from services.recalibration import ModelRecalibration
from services.reports.reports import Reports
from services.retention import Retention
from services.reviews.nightly import NightlySelfAnalysis
from services.training.model_admin import ModelAdmin
from services.training.retraining import Retraining


class MarketJobs:
    """Jobs over several markets, one after the other."""

    def __init__(
        self, analyze: Callable[[str], Awaitable[Analysis]], symbols: Sequence[str], downloads: ServiceWork
    ) -> None:
        """Keep what makes and publishes an analysis, the symbols for a job that names none, and the downloads."""
        self._analyze = analyze
        self._symbols = tuple(symbols)
        self._downloads = downloads

    def by_kind(self) -> dict[JobKind, ServiceWork]:
        """Return the work of each kind."""
        return {JobKind.BULK_ANALYSIS: self.analyze_all, JobKind.DOWNLOAD_CANDLES: self._downloads}

    async def analyze_all(self, parameters: Mapping[str, Any], report: TellProgress) -> dict[str, Any]:
        """Analyze each symbol, as the periodic loop does; one that fails does not stop the others.

        Args:
            parameters: `symbols`, a list.
            report: Told before each symbol.

        Returns:
            `analyzed`: signal and confidence by symbol; `failed`: reason by symbol.

        Raises:
            JobFailed: none could be analyzed.
        """
        symbols = list(dict.fromkeys(parameters.get("symbols") or self._symbols))
        analyzed: dict[str, Any] = {}
        failed: dict[str, str] = {}
        for number, symbol in enumerate(symbols):
            report(JobProgress(stage=f"analyzing {symbol}", share=number / len(symbols)))
            try:
                found = await self._analyze(symbol)
            except AppError as failure:
                failed[symbol] = failure.message
                transient = failure.transient
            else:
                analyzed[symbol] = {"signal": found.signal.value, "confidence": found.confidence}
        if not analyzed:
            first = symbols[0]
            raise JobFailed(f"no symbol could be analyzed; {first}: {failed[first]}", transient=transient)
        return {"analyzed": analyzed, "failed": failed}


class UpkeepJobs:
    """Jobs that keep ledger, stores and models in order, one method each."""

    def __init__(
        self, settler: Settler, parity: NightlyParity, retention: Retention, models: ModelAdmin, keep_versions: int
    ) -> None:
        """Keep the parts; `keep_versions` holds for a clean-up that names no number."""
        self._settler = settler
        self._parity = parity
        self._retention = retention
        self._models = models
        self._keep_versions = keep_versions

    def by_kind(self) -> dict[JobKind, ServiceWork]:
        """Return each work under its kind."""
        return {
            JobKind.SETTLE: self.settle,
            JobKind.PARITY: self.certify,
            JobKind.RETENTION: self.remove_old,
            JobKind.CLEANUP_MODELS: self.clean_up_models,
        }

    async def settle(self, _: Mapping[str, Any], report: TellProgress) -> dict[str, Any]:
        """Settle what is due in the ledger, unless another replica is at it; return how many horizons were settled."""
        report(JobProgress(stage="settling", share=0))
        return {"settled": await self._settler.settle_due()}

    async def certify(self, parameters: Mapping[str, Any], report: TellProgress) -> dict[str, Any]:
        """Compare the replays of a UTC day with what was said, by default of yesterday unless that was done before.

        Args:
            parameters: `day`, YYYY-MM-DD or None.
            report: Told once.

        Returns:
            `certificate`, as `GET /ai/ledger/parity` has it; None where yesterday has one, or another replica is at it.
        """
        report(JobProgress(stage="replaying", share=0))
        day = parameters.get("day")
        if day is None:
            certificate = await self._parity.certify_yesterday()
        else:
            certificate = await self._parity.days.certify(date.fromisoformat(day))
        return {"certificate": certificate and _plain(certificate.document())}

    async def remove_old(self, _: Mapping[str, Any], report: TellProgress) -> dict[str, Any]:
        """Remove documents that are older than they may be; return their numbers by collection."""
        report(JobProgress(stage="removing", share=0))
        return {"removed": await self._retention.remove()}

    async def clean_up_models(self, parameters: Mapping[str, Any], report: TellProgress) -> dict[str, Any]:
        """Delete all but the newest versions of each market, and those that serve or may serve again.

        Args:
            parameters: `keep`, the number of versions of a market, or None.
            report: Told once.
        """
        report(JobProgress(stage="deleting", share=0))
        pruned = await asyncio.to_thread(self._models.prune, parameters.get("keep") or self._keep_versions)
        return {"deleted": list(pruned.deleted), "kept": len(pruned.kept)}


class ReviewJobs:
    """Jobs by which the service judges itself."""

    def __init__(
        self,
        reports: Reports,
        self_analysis: NightlySelfAnalysis,
        retraining: Retraining,
        recalibration: ModelRecalibration,
    ) -> None:
        self._reports = reports
        self._self_analysis = self_analysis
        self._retraining = retraining
        self._recalibration = recalibration

    def by_kind(self) -> dict[JobKind, ServiceWork]:
        """Return each work under its kind."""
        return {
            JobKind.HEALTH_CHECK: _reporting(self._reports.health),
            JobKind.PORTFOLIO_REPORT: _reporting(self._reports.portfolio),
            JobKind.COST_REPORT: _reporting(self._reports.cost),
            JobKind.PERFORMANCE_ANALYSIS: _reporting(self._reports.performance),
            JobKind.SELF_ANALYSIS: self.analyze_itself,
            JobKind.RETRAIN_IF_NEEDED: self.retrain,
            JobKind.RECALIBRATE: self.recalibrate,
        }

    async def analyze_itself(self, _: Mapping[str, Any], report: TellProgress) -> dict[str, Any]:
        """Review the newest days, and ask for advice only where they are not acceptable."""
        report(JobProgress(stage="reviewing", share=0))
        return await self._self_analysis.run()

    async def retrain(self, parameters: Mapping[str, Any], report: TellProgress) -> dict[str, Any]:
        """Queue a training of each model in production that needs one.

        Args:
            parameters: `full`: of all of them.
            report: Told once.
        """
        report(JobProgress(stage="looking at the models", share=0))
        return await self._retraining.retrain_if_needed(full=bool(parameters.get("full")))

    async def recalibrate(self, parameters: Mapping[str, Any], report: TellProgress) -> dict[str, Any]:
        """Recalibrate each model in production that is due, from its settled forecasts.

        Args:
            parameters: `full`: all of them.
            report: Told once.
        """
        report(JobProgress(stage="looking at settled forecasts", share=0))
        return await self._recalibration.recalibrate(full=bool(parameters.get("full")))


def _reporting(make: Callable[[], Awaitable[Report]]) -> ServiceWork:
    async def work(_: Mapping[str, Any], report: TellProgress) -> dict[str, Any]:
        report(JobProgress(stage="looking", share=0))
        return (await make()).model_dump(mode="json")

    return work


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    return {**document, "created_at": document["created_at"].isoformat()}
