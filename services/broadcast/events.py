"""Events as JSON: those of signals for the subscribers of a symbol, all others for every subscriber."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from domain.analysis import Analysis
from domain.jobs import Job
from domain.ledger.days import DayRoot
from domain.values import epoch_ms, utc_time


def render_signal_event(analysis: Analysis) -> str:
    """Return the `AISignalReceived` event of an analysis.

    Both times are those of the analysis: a cached analysis that is sent again must not look fresh.
    """
    data = {
        "symbol": analysis.symbol,
        "signal": analysis.signal.lower(),
        "confidence": analysis.confidence,
        "timestamp": epoch_ms(analysis.generated_at),
        "model_type": analysis.model_type,
        "timeframe": analysis.timeframe,
        "reasoning": analysis.reasoning,
        "strategy_scores": analysis.strategy_scores,
        "market_analysis": analysis.market_analysis.model_dump(),
        "risk_assessment": analysis.risk_assessment.model_dump(),
        "source": analysis.source,
        "source_data": analysis.source_data,
        "analysis_id": analysis.analysis_id,
        "gates": [gate.model_dump() for gate in analysis.gates],
        "abstention": analysis.abstention,
        "price": analysis.price,
        "evidence": analysis.evidence.model_dump() if analysis.evidence is not None else None,
        "lanes": analysis.lanes.model_dump() if analysis.lanes is not None else None,
        "forecast": analysis.forecast.model_dump() if analysis.forecast is not None else None,
        "forecast_note": analysis.forecast_note,
    }
    return _event("AISignalReceived", data, analysis.generated_at)


def render_job_progress(job: Job, at: datetime) -> str:
    """Return the `JobProgress` event: the current job without its result and what says whose it is."""
    return _event("JobProgress", job.model_dump(mode="json", exclude={"result", "lease_until", "fence", "sent_at"}), at)


def render_training_completed(job: Job, at: datetime) -> str:
    """Return the `TrainingCompleted` event of a training that has succeeded."""
    result = job.result or {}
    data = {
        "job_id": job.job_id,
        "symbol": job.parameters.get("symbol"),
        "timeframe": job.parameters.get("timeframe"),
        "version": result.get("version"),
        "promoted": result.get("promoted"),
        "verdict": result.get("verdict"),
        "metrics": result.get("metrics"),
    }
    return _event("TrainingCompleted", data, at)


def render_model_drift(data: Mapping[str, Any], at: datetime) -> str:
    """Return the `ModelDrift` event of a model in production that drifts; `data` is what was found."""
    return _event("ModelDrift", data, at)


def render_model_shadow(data: Mapping[str, Any], at: datetime) -> str:
    """Return the `ModelShadow` event of a candidate that begins to shadow, or has ended; `data` is what is known."""
    return _event("ModelShadow", data, at)


def render_safe_mode_changed(enabled: bool, reason: str, at: datetime) -> str:
    """Return the `SafeModeChanged` event; `data` is the answer of `GET /ai/safe-mode`."""
    return _event("SafeModeChanged", {"enabled": enabled, "reason": reason or None, "changed_at": epoch_ms(at)}, at)


def render_disabled_changed(name: str, disabled: bool, reason: str, by: str, at: datetime) -> str:
    """Return the `DisabledChanged` event of a lane or strategy."""
    data = {"name": name, "disabled": disabled, "reason": reason or None, "by": by, "changed_at": epoch_ms(at)}
    return _event("DisabledChanged", data, at)


def render_day_closed(root: DayRoot) -> str:
    """Return the `LedgerDayClosed` event; who keeps it can tell later whether the day was changed."""
    data = {"day": root.day, "entries": root.entries, "root": root.root, "chained": root.chained}
    return _event("LedgerDayClosed", data, utc_time(root.closed_ms))


def _event(kind: str, data: Mapping[str, Any], at: datetime) -> str:
    return msgspec.json.encode({"type": kind, "data": data, "timestamp": at}).decode()
