"""Every metric of the service, declared once; the names are those that alerts already use."""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import Counter, Gauge, Histogram

API_REQUESTS = Counter("api_requests", "HTTP requests answered.", ["method", "route", "status"])
API_REQUEST_DURATION = Histogram("api_request_duration_seconds", "Time to answer an HTTP request.", ["route"])

ANALYSES = Counter("ai_analysis", "Analyses answered, cached ones too.", ["source", "cached"])
ANALYSIS_DURATION = Histogram("ai_analysis_duration_seconds", "Time to make a fresh analysis.", ["source"])
PREDICTIONS = Counter("ai_predictions", "Signals of fresh analyses.", ["signal"])
CONFIDENCE = Histogram(
    "ai_model_confidence", "Confidence of fresh analyses.", ["source"], buckets=[i / 10 for i in range(1, 11)]
)
CACHE_HIT_RATE = Gauge("cache_hit_rate", "Share of analysis requests answered from the cache since start.")

WEBSOCKET_CONNECTIONS = Gauge("websocket_connections_active", "Open /ws connections.")
WEBSOCKET_DROPPED = Counter("websocket_clients_dropped", "Clients dropped because they did not read.")
CYCLE_DURATION = Histogram(
    "background_analysis_duration_seconds",
    "Time of a periodic cycle over all symbols.",
    buckets=(0.5, 1, 2, 5, 10, 30, 60, 120, 300),
)
JOBS = Counter("jobs", "Jobs that have ended.", ["kind", "status"])
STORE_OPERATIONS = Counter("store_operations", "Calls to the store.", ["store", "operation", "outcome"])
MONGODB_OPERATIONS = Counter("mongodb_operations", "Calls to MongoDB.", ["operation", "outcome"])
MARKET_DATA_REQUESTS = Counter("market_data_requests", "Calls to a market-data source.", ["source", "outcome"])


def count_analysis(source: str, *, cached: bool) -> None:
    """Count one answered analysis."""
    _analyses(source, cached).inc()


# Finding a labeled series takes longer than counting in it.
@lru_cache(maxsize=16)
def _analyses(source: str, cached: bool) -> Counter:
    return ANALYSES.labels(source, cached)
