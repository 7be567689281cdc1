"""Every metric of the service, declared once; the names are those that alerts already use."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import product

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from domain.job_kinds import RUNNABLE_KINDS
from domain.jobs import JobStatus
from domain.ledger.entries import Apart, EntryKind, LedgerLane
from domain.notices import NoticeLevel
from domain.reports import ReportKind, ReportLevel
from domain.trading.gates import GateName


class MeasuredGauge(Collector):
    """A gauge without a sample until its value is known: neither 0 nor NaN would be true before."""

    def __init__(self, name: str, documentation: str, registry: CollectorRegistry = REGISTRY) -> None:
        self._name = name
        self._documentation = documentation
        self._value: float | None = None
        registry.register(self)

    def set(self, value: float) -> None:
        """Take the value."""
        self._value = value

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Give the value to Prometheus, if it is known."""
        yield GaugeMetricFamily(self._name, self._documentation, self._value)


_MILLISECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2)


def start_at_zero(counter: Counter, *known: Iterable[str]) -> None:
    """Create the series of a counter, since a rate in Prometheus starts from the first sample.

    Args:
        counter: With labels.
        known: The values of each label, in the order of the labels.
    """
    for labels in product(*known):
        counter.labels(*labels)


API_REQUESTS = Counter("api_requests", "HTTP requests answered.", ["method", "route", "status"])
# With the bounds that alerts name.
API_REQUEST_DURATION = Histogram(
    "api_request_duration_seconds",
    "Time to answer an HTTP request.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30),
)

HTTP_REFUSALS = Counter("http_refusals", "Requests and connections that the server's limits refused.", ["reason"])
start_at_zero(
    HTTP_REFUSALS,
    [
        "body_too_slow",
        "head_too_large",
        "head_too_slow",
        "malformed_http",
        "no_descriptors",
        "shutting_down",
        "too_many_bodies",
        "too_many_connections",
        "too_many_headers",
        "url_too_long",
    ],
)

ANALYSES = Counter("ai_analysis", "Analyses answered, cached ones too; no replays.", ["source", "cached"])
ANALYSIS_DURATION = Histogram("ai_analysis_duration_seconds", "Time to make a fresh analysis.", ["source"])
PREDICTIONS = Counter("ai_predictions", "Signals of fresh analyses.", ["signal"])
CONFIDENCE = Histogram(
    "ai_model_confidence", "Confidence of fresh analyses.", ["source"], buckets=[i / 10 for i in range(1, 11)]
)
PREDICTION_DURATION = Histogram(
    "ai_prediction_duration_seconds", "Time from candles to a model's forecast.", ["model_type"], buckets=_MILLISECONDS
)
INFERENCE_DURATION = Histogram(
    "ml_inference_duration_seconds", "Time in the model, waiting for its turn included.", buckets=_MILLISECONDS
)
MODEL_PREDICTIONS = Counter("model_predictions", "Forecasts of models; no replays.", ["model_type", "signal"])
ML_PREDICTIONS = Counter("ml_predictions", "Forecasts of models, all together; no replays.")
ML_CONFIDENCE = Histogram(
    "ml_signal_confidence", "Confidence of the models' forecasts.", buckets=[i / 10 for i in range(1, 11)]
)
ML_CACHE_HITS = Counter("ml_cache_hits", "Symbols of /ai/signals that were judged a moment ago.")
PREDICTION_ACCURACY = MeasuredGauge(
    "ai_prediction_accuracy", "Share of successes among signals with a reported outcome; absent before the first."
)
SHADOW_FAILURES = Counter("shadow_forecast_failures", "Forecasts that a candidate failed to give beside the model.")
MODEL_LOAD_FAILURES = Counter("model_load_failures", "Versions in production that could not be loaded.")

CANDLE_REVISIONS = Counter(
    "candle_revisions", "Closed candles that a trusted client posted again with other prices.", ["outcome"]
)
start_at_zero(CANDLE_REVISIONS, ["accepted", "refused"])
CACHE_LOOKUPS = Counter("analysis_cache_lookups", "Analysis requests that a cache might answer.", ["outcome"])
start_at_zero(CACHE_LOOKUPS, ["hit", "miss"])
CACHE_HIT_RATE = Gauge("cache_hit_rate", "Share of analysis requests answered from the cache since start.")

GUARD_REFUSALS = Counter("guard_refusals", "Long and Short of fresh analyses that a guard made Neutral.", ["gate"])
start_at_zero(GUARD_REFUSALS, GateName)
# The label `apart` of entries that count.
SCORED = "none"
LEDGER_ENTRIES = Counter("ledger_entries", "Entries of the ledger that were written down.", ["lane", "kind", "apart"])
start_at_zero(LEDGER_ENTRIES, LedgerLane, EntryKind, [SCORED, *Apart])
LEDGER_LEFT_OUT = Counter("ledger_entries_left_out", "Entries beyond those that are kept apart in a day.", ["apart"])
start_at_zero(LEDGER_LEFT_OUT, Apart)
SAFE_MODE = Gauge("safe_mode", "1 while safe mode is on, 0 while it is off.")

WEBSOCKET_CONNECTIONS = Gauge("websocket_connections_active", "Open /ws connections.")
WEBSOCKET_DROPPED = Counter("websocket_clients_dropped", "Clients dropped because they did not read.")
WEBSOCKET_REFUSED = Counter(
    "websocket_refused", "Sockets that were not opened, by the status of the answer.", ["status"]
)
start_at_zero(WEBSOCKET_REFUSED, ["403", "429", "503"])
REPLICA_MESSAGES = Counter(
    "replica_messages", "Events and hints between replicas: sent, received, or lost before they were sent.", ["way"]
)
start_at_zero(REPLICA_MESSAGES, ["sent", "received", "lost"])
CYCLE_DURATION = Histogram(
    "background_analysis_duration_seconds",
    "Time of a periodic cycle over all symbols.",
    buckets=(0.5, 1, 2, 5, 10, 30, 60, 120, 300),
)
WEBHOOK_ATTEMPTS = Counter("webhook_attempts", "Attempts to deliver a signal to a receiver of webhooks.", ["outcome"])
start_at_zero(WEBHOOK_ATTEMPTS, ["delivered", "failed"])
WEBHOOK_DEAD_LETTERS = Counter("webhook_dead_letters", "Signals for receivers of webhooks that were given up.")
WEBHOOK_WAITING = Gauge("webhook_waiting", "Signals that wait for receivers of webhooks.")
NOTICES = Counter("notices", "Notices to the operators, by level and outcome.", ["level", "outcome"])
start_at_zero(NOTICES, NoticeLevel, ["sent", "failed", "repeated", "dropped", "logged"])
REPORTS = Counter("reports", "Reports that were made.", ["kind", "level"])
start_at_zero(REPORTS, ReportKind, ReportLevel)
JOBS = Counter("jobs", "Jobs that have ended.", ["kind", "status"])
start_at_zero(JOBS, RUNNABLE_KINDS, [status for status in JobStatus if status.final])
# With `jobs.backend: celery`. The store counts the jobs that it keeps; the two have no sample before it has done so.
CELERY_TASKS = MeasuredGauge("celery_tasks_total", "Jobs that have ended, as long as the store keeps them.")
CELERY_TASKS_FAILED = MeasuredGauge("celery_tasks_failed", "Those of them that have failed.")
CELERY_QUEUE_LENGTH = Gauge("celery_queue_length", "Messages about jobs that no worker has received.", ["queue"])
CELERY_WORKER_POOL_SIZE = MeasuredGauge("celery_worker_pool_size", "Jobs that all workers run at a time, at most.")
STORE_WRITES_LOST = Counter("store_writes_lost", "Writes that no store will ever have.", ["reason"])
start_at_zero(STORE_WRITES_LOST, ["full", "refused"])
STORE_OPERATIONS = Counter("store_operations", "Calls to the store.", ["store", "operation", "outcome"])
MONGODB_OPERATIONS = Counter("mongodb_operations", "Calls to MongoDB.", ["operation", "outcome"])
MARKET_DATA_REQUESTS = Counter("market_data_requests", "Calls to a market-data source.", ["source", "outcome"])

OPENAI_REQUESTS = Counter("openai_requests", "HTTP requests sent to the LLM's endpoint.")
OPENAI_ERRORS = Counter("openai_errors", "HTTP requests to the LLM's endpoint that failed.", ["reason"])
OPENAI_RATE_LIMIT_ERRORS = Counter("openai_rate_limit_errors", "HTTP requests that the LLM's limits or quota refused.")
GPT4_CALLS = Counter("gpt4_api_calls", "Questions that the LLM was asked, whatever number of keys was tried.")
GPT4_FAILURES = Counter("gpt4_api_failures", "Questions that the LLM gave no usable answer to.", ["error"])
LLM_OUTCOMES = Counter("llm_outcomes", "Attempts to ask the LLM, by outcome.", ["outcome"])
LLM_LATENCY = Histogram(
    "llm_latency_seconds", "Time of an answered LLM request.", buckets=(0.25, 0.5, 1, 2, 3, 5, 8, 12, 20, 30)
)
LLM_TOKENS = Counter("llm_tokens", "Tokens of answered LLM requests.", ["kind"])
LLM_COST = Counter("llm_cost_usd", "What the LLM's replies cost, as far as it is known.", ["model"])
LLM_UNPRICED = Counter("llm_unpriced_calls", "Replies of the LLM whose cost is not known.", ["model"])
LLM_REUSED = Counter("llm_replies_reused", "Prompts that a kept reply answered without a call.", ["purpose"])
LLM_FALLBACKS = Counter("llm_fallbacks", "Answers that the rules gave since the LLM gave none.", ["reason"])
LLM_GROUNDEDNESS = Histogram(
    "llm_groundedness",
    "Share of the figures in the LLM's words that it was given.",
    ["purpose"],
    buckets=[i / 10 for i in range(1, 11)],
)
LLM_KEYS = Gauge("llm_keys", "API keys of the LLM by what may be done with them.", ["status"])

TRACE_SPANS = Counter(
    "trace_spans", "Spans of traces: ended, and of those sent, or lost since the receiver failed.", ["outcome"]
)
start_at_zero(TRACE_SPANS, ["ended", "sent", "failed"])
LOG_LINES_DROPPED = Counter("log_lines_dropped", "Log lines that could not be written.", ["log"])
start_at_zero(LOG_LINES_DROPPED, ["stderr", "file"])


def count_analysis(source: str, *, cached: bool) -> None:
    """Count one answered analysis."""
    _analyses(source, cached).inc()


# Finding a labeled series takes longer than counting in it.
@lru_cache(maxsize=16)
def _analyses(source: str, cached: bool) -> Counter:
    return ANALYSES.labels(source, cached)


@lru_cache(maxsize=128)
def ledger_entry(lane: str, kind: str, apart: str) -> Counter:
    """Return the counter of entries of a lane and kind, `SCORED` or kept apart for a reason."""
    return LEDGER_ENTRIES.labels(lane, kind, apart)


@lru_cache(maxsize=256)
def store_operation(store: str, operation: str, outcome: str) -> Counter:
    """Return the counter of an outcome; with its first outcome an operation has all of them."""
    start_at_zero(STORE_OPERATIONS, [store], [operation], ["ok", "failed", "skipped"])
    return STORE_OPERATIONS.labels(store, operation, outcome)


@lru_cache(maxsize=256)
def mongodb_operation(operation: str, outcome: str) -> Counter:
    """Return the counter of an outcome; with its first outcome an operation has both."""
    start_at_zero(MONGODB_OPERATIONS, [operation], ["ok", "failed"])
    return MONGODB_OPERATIONS.labels(operation, outcome)


LEDGER_SETTLEMENTS = Counter("ledger_settlements", "Horizons of ledger entries settled, by source.", ["source"])
LEDGER_REVISIONS = Counter("ledger_revisions", "Settlements that the candles of a later day would settle otherwise.")
LEDGER_WAITING = MeasuredGauge("ledger_waiting", "Horizons of ledger entries that are not settled yet.")
LEDGER_LAG_SECONDS = MeasuredGauge("ledger_lag_seconds", "How long the oldest horizon that can be settled is overdue.")
MODEL_DRIFT = Gauge(
    "model_drift", "Drift of a model in production: 0 none, 1 notice, 2 alarm.", ["symbol", "timeframe", "horizon"]
)
MODEL_DRIFTED_FEATURES = Gauge(
    "model_drifted_features",
    "Features of a model that are as far from its training as an alarm takes.",
    ["symbol", "timeframe", "horizon"],
)
