"""From the settings to the parts of the service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from functools import partial

import httpx2

from config.settings import Settings
from container.improving import make_recalibration, make_retraining, make_reviews, open_emergency
from container.ledger_wing import open_ledger_wing
from container.orders import make_orders
from container.parts import Container
from container.reporting import make_reports
from container.sharing import announce_models, follow_hints, open_shared_guards
from container.wings import (
    choose_analyst,
    make_periodic,
    make_recorder,
    open_calibration,
    open_engine_settings,
    open_jobs,
    open_market_data,
    open_parity,
    open_schedule,
    open_storage,
)
from features.indicators.technical_indicators import TechnicalIndicators
from models.serving.served_models import ServedModels
from rules.technical import TechnicalAnalyst
from services.analysis.revisions import Revisions
from services.analysis.service import AnalysisService
from services.broadcast.hub import SignalHub
from services.candle_downloads.stored import StoredDownloads
from services.candle_files.reader import CandleFileReader
from services.drift.opening import open_drift
from services.evidence_file import open_weigher
from services.evidence_in_use import EvidenceInUse
from services.following.follower import make_follower
from services.forecast_requests import ForecastRequests
from services.forecasts.opening import count_load_failure, open_forecasting
from services.forecasts.past_models import PastModels
from services.forecasts.shadow_forecasts import open_shadow_forecasts
from services.health.model_watch import ModelWatch
from services.health.service_health import open_health
from services.insights import MarketInsights
from services.ledger.book import LedgerBook
from services.ledger.past_analyses import PastAnalyses
from services.ledger.recording.lane_versions import LaneVersions
from services.ledger.replays.past_candles import PastCandles
from services.ledger.replays.replayer import Replayer
from services.ledger.replays.replays import Replays
from services.ledger.signal_performance import SignalPerformance
from services.llm.calling.patience import wait_for_a_key
from services.llm.parts import open_llm
from services.market_data.recent_markets import RecentMarkets
from services.market_reader import MarketReader
from services.newest_candles import NewestCandles
from services.notices.notifier import open_notices
from services.outlooks import Outlooks
from services.replicas.hints import Hint
from services.replicas.opening import open_replicas
from services.retention import Retention, ages
from services.reviews.trades import TradeReviews
from services.service_works import MarketWorks, ReviewWorks, ServiceWorks
from services.shadowing.watch import open_shadow_watch
from services.signals.stream import SignalStream
from services.training.model_admin import ModelAdmin
from services.training.service import TrainingService
from services.webhooks.webhooks import open_webhooks
from utils.clock import SystemClock
from utils.concurrency import worker_threads
from utils.logging import NO_LOGS, Logs


@asynccontextmanager
async def build_container(
    settings: Settings, job_table: str = "tasks.jobs", logs: Logs = NO_LOGS, *, beat: bool = False
) -> AsyncIterator[Container]:
    """Build the parts, and close them in the opposite order.

    Args:
        settings: Of everything.
        job_table: Module whose `JOBS` holds the functions that jobs run.
        logs: Where the process logs to, for /health.
        beat: This process runs the schedule; without Celery every one does.

    Raises:
        ConfigurationError: a setting names an adapter that does not exist.
    """
    clock, stopping = SystemClock(), asyncio.Event()
    async with AsyncExitStack() as stack:
        opened, entered = stack.enter_async_context, stack.enter_context

        store, documents, ledger = await opened(open_storage(settings.storage, settings.ledger, clock))
        client = await opened(httpx2.AsyncClient(timeout=settings.market_data.timeout_seconds, follow_redirects=False))
        executor = entered(worker_threads(settings.analysis.worker_threads, "analysis"))
        indicators, rules = TechnicalIndicators(settings.indicators), TechnicalAnalyst()
        engine_settings = await opened(open_engine_settings(settings, client, indicators, clock))
        hub = entered(closing(SignalHub(settings.websocket.max_buffered_bytes)))
        replicas = await opened(open_replicas(settings.redis, hub))
        hints = replicas.hints

        notices = await opened(open_notices(settings.notices, documents, clock))
        webhooks = await opened(open_webhooks(settings.webhooks, documents, clock))

        llm = await opened(open_llm(settings.llm, documents, clock, replicas.llm))
        patience = partial(wait_for_a_key, llm.client, settings.llm.spacing_seconds)
        trades = TradeReviews(llm.journal, documents, settings.trades, clock, patience)
        await opened(trades.reviewing())

        market_data = await opened(open_market_data(settings, store, client, clock))
        markets = RecentMarkets(market_data, settings.analysis.interval_minutes, clock)
        stores = store, documents, ledger
        records = await opened(open_ledger_wing(settings, stores, market_data, hub, clock))
        scores, lanes = records.scores, records.lanes

        guards = await opened(open_shared_guards(settings, documents, hub, hints, clock))
        served, serving = ServedModels.of(settings, count_load_failure), settings.models.serving
        announce = announce_models(hints)
        models = ModelAdmin(served, clock, announce)
        shadows = entered(open_shadow_forecasts(settings))
        forecasting = entered(open_forecasting(served, settings, store, clock, guards.disabled.why, shadows))

        evidence = EvidenceInUse(open_weigher(settings.trading))
        calibration = await opened(
            open_calibration(evidence, ledger, documents, clock, partial(hints.tell, Hint.EVIDENCE))
        )
        reader = MarketReader(
            indicators, forecasting, settings.analysis, evidence, clock, executor, guards.disabled.why
        )
        recorder = make_recorder(settings, ledger, documents, indicators, evidence, shadows, clock)
        analysis = AnalysisService(
            store=store,
            market_data=market_data,
            reader=reader,
            analyst=choose_analyst(settings, llm, rules, lanes.gate, guards.disabled.why, stopping),
            guards=guards,
            revisions=Revisions(store, settings.analysis.max_revision_factor),
            hub=hub,
            webhooks=webhooks,
            hints=hints,
            recorder=recorder,
            follow=make_follower(served, forecasting, records.followed, clock).follow,
            settings=settings.analysis,
            clock=clock,
        )
        past_candles = PastCandles(store, market_data, settings, clock)
        replayer = Replayer(reader, PastModels(served.registries, forecasting, serving.reload_seconds), rules)
        parity = await opened(
            open_parity(settings, ledger, store, documents, replayer, past_candles, indicators, clock)
        )
        jobs, runner = await opened(open_jobs(settings.jobs, job_table, documents, hub, clock))
        orders = make_orders(jobs, market_data, store, served.registries, evidence.shipped.book, clock)
        watch = ModelWatch(served, serving.reload_seconds)
        shadowing = await opened(open_shadow_watch(served.registries, (ledger, documents), hub, announce, clock))
        drift = await opened(open_drift(settings.models.drift, served, stores, hub, notices.send, clock))

        training = TrainingService(jobs, market_data, store, settings, clock)
        retraining = make_retraining(settings, models, training, jobs, drift, clock)
        reviews = make_reviews(
            settings, documents, scores, market_data, models, llm, engine_settings, retraining, clock
        )
        emergency = await opened(open_emergency(settings, stores, scores, guards.disabled, notices.send, clock))
        health = await opened(open_health(store, (documents, ledger), llm.client, market_data, watch, logs))
        reports = make_reports(settings, client, stores, market_data, scores, health, notices.send, clock)
        retention = Retention(documents, clock, ages(settings), settings.ledger.keep_refits)
        upkeep = ServiceWorks(records.settler, parity, retention, models, settings.models.keep_versions)
        recalibration = make_recalibration(settings, served.registries, stores, announce, clock)
        reviewing = ReviewWorks(reports, reviews.nightly, retraining, recalibration)
        downloads = StoredDownloads(store, settings, clock)
        on_markets = MarketWorks(analysis.refresh, settings.analysis.symbols, downloads)
        runner.offer({**on_markets.by_kind(), **upkeep.by_kind(), **reviewing.by_kind()})
        for part in (
            *(guards.safe_mode, lanes.gate, guards.disabled, records.settler),
            *(parity, notices, webhooks, drift, jobs, replicas),
        ):
            health.also(part.degraded)
        follow_hints(hints, watch, guards, calibration)
        book = LedgerBook(ledger, clock)
        yield Container(
            settings=settings,
            clock=clock,
            stopping=stopping,
            health=health,
            log_tail=logs.tail,
            store=store,
            documents=documents,
            ledger=ledger,
            market_data=market_data,
            newest_candles=NewestCandles(store, markets, indicators, settings, clock),
            candle_files=CandleFileReader(clock),
            engine_settings=engine_settings,
            evidence=evidence,
            calibration=calibration,
            analysis=analysis,
            safe_mode=guards.safe_mode,
            disabled=guards.disabled,
            emergency=emergency,
            periodic=make_periodic(settings, analysis, patience, documents, clock),
            signals=SignalStream(market_data, reader, rules, guards, recorder, settings.signals, clock, executor),
            insights=MarketInsights(market_data, reader, settings, guards.disabled.why),
            hub=hub,
            redis=replicas.link,
            forecasting=forecasting,
            forecast_requests=ForecastRequests(
                forecasting,
                market_data,
                reader,
                rules,
                recorder,
                lambda: guards.safe_mode.state,
                clock,
                why_disabled=guards.disabled.why,
            ),
            outlooks=Outlooks(markets, forecasting, recorder, records.bands, lambda: guards.safe_mode.state, clock),
            jobs=jobs,
            training=training,
            schedule=await opened(open_schedule(settings, jobs, documents, clock, beat=beat)),
            bias=orders.bias,
            backtests=orders.backtests,
            optimising=orders.optimising,
            evaluations=orders.evaluations,
            measuring=orders.measuring,
            models=models,
            shadowing=shadowing,
            reports=reports,
            notices=notices,
            webhooks=webhooks,
            llm=llm,
            trades=trades,
            self_analyses=reviews.self_analyses,
            nightly_self_analysis=reviews.nightly,
            decisions=reviews.decisions,
            retraining=retraining,
            feedback=records.feedback,
            performance=SignalPerformance(scores, records.feedback, clock),
            scores=scores,
            lanes=lanes,
            lane_versions=LaneVersions(documents),
            book=book,
            past_analyses=PastAnalyses(book, store),
            replays=Replays(replayer, past_candles, guards, ledger, documents),
            parity=parity,
            drift=drift,
        )
