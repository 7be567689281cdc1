"""Events of jobs, for every subscriber."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.jobs import Job


def render_job_progress(job: Job, now: datetime) -> str:
    """Return the `JobProgress` event: the current job without its result and what says whose it is."""
    return _event(
        "JobProgress", job.model_dump(mode="json", exclude={"result", "lease_until", "fence", "sent_at"}), now
    )


def render_training_completed(job: Job, now: datetime) -> str:
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
    return _event("TrainingCompleted", data, now)


def _event(kind: str, data: object, now: datetime) -> str:
    return msgspec.json.encode({"type": kind, "data": data, "timestamp": now}).decode()
