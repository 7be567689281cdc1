"""From the body of a hot route to its query, by the settings in force: one function for each route."""

from __future__ import annotations

from api.bodies.analyze_body import PREDICT, read_query
from api.bodies.signals_body import read_signals_query
from config.settings import Settings
from domain.queries import AnalysisQuery
from services.signals.stream import SignalsQuery


def read_analysis(body: bytes, settings: Settings, now_ms: int, trusted: bool) -> tuple[AnalysisQuery, bool]:
    """Return the query of `/ai/analyze`, and whether it is a call of an engine's own loop; raises as `read_query`."""
    return read_query(body, settings.analysis, now_ms, trusted=trusted, listening=settings.llm.enabled)


def read_percent_analysis(body: bytes, settings: Settings, now_ms: int, trusted: bool) -> AnalysisQuery:
    """Return the query of `/api/v1/analyze`; raises as `read_query`."""
    listening = settings.llm.enabled
    query, _ = read_query(body, settings.analysis, now_ms, trusted=trusted, form=PREDICT, listening=listening)
    return query


def read_prediction(body: bytes, settings: Settings, now_ms: int, trusted: bool) -> AnalysisQuery:
    """Return the query of `/ai/predict`, without what only an LLM reads; raises as `read_query`."""
    query, _ = read_query(body, settings.analysis, now_ms, trusted=trusted, form=PREDICT)
    return query


def read_signals(body: bytes, settings: Settings, now_ms: int, trusted: bool) -> SignalsQuery:
    """Return the query of `/ai/signals`; raises as `read_signals_query`."""
    return read_signals_query(body, settings.analysis, now_ms, trusted=trusted)
