"""Reports for operators: a reporter of each kind, and what it reads."""

from __future__ import annotations

from pathlib import Path

from config.settings import Settings
from container.infrastructure import Infrastructure
from services.health.service_health import ServiceHealth
from services.ledger.scoring.scores import LedgerScores
from services.market_data.market_data import MarketData
from services.reports.cost_report import CostReporter
from services.reports.engine_account import EngineAccount
from services.reports.health_report import HealthReporter
from services.reports.kept_reports import KeptReports
from services.reports.peers import Peers, place_of
from services.reports.performance_report import PerformanceReporter
from services.reports.portfolio_report import PortfolioReporter
from services.reports.reports import Reports


def make_reports(base: Infrastructure, market_data: MarketData, scores: LedgerScores, health: ServiceHealth) -> Reports:
    """Return the reports of the service, which send notices of what operators are to know."""
    settings, clock, (analyses, documents, ledger) = base.settings, base.clock, base.stores
    account = EngineAccount(base.client, settings.market_data.engine_url)
    folders = {settings.storage.data_folder.resolve(), Path(settings.models.save_path).resolve()}
    return Reports(
        health=HealthReporter(
            peers=Peers(base.client, _peers(settings), settings.reports.peer_timeout_seconds),
            stores=lambda: {"analyses": analyses.state, "documents": documents.state, "ledger": ledger.state},
            sources=lambda: {str(name): works for name, works in market_data.health().items()},
            degraded=health.degraded,
            folders=sorted(folders),
            settings=settings.reports,
        ),
        portfolio=PortfolioReporter(account),
        cost=CostReporter(documents, settings.llm.budgets, clock),
        performance=PerformanceReporter(scores, account, settings.reports),
        kept=KeptReports(documents),
        notify=base.notices.send,
        settings=settings.reports,
        clock=clock,
    )


def _peers(settings: Settings) -> dict[str, str]:
    """Return the addresses of what the service needs beside its stores, and of what operators name, by name."""
    broker = settings.jobs.rabbitmq_url if settings.jobs.backend == "celery" else None
    needed = {
        "engine": settings.market_data.engine_url,
        "redis": settings.redis.url.get_secret_value(),
        "broker": broker and broker.get_secret_value(),
    }
    return {name: url for name, url in needed.items() if url} | {place_of(url): url for url in settings.reports.peers}
