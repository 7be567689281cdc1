"""Calls about jobs, for operators; those marked (admin) need the administrator's token."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

from trading_signal_client import answers
from trading_signal_client.calls.call import Call

DownloadSource = Literal["binance", "ccxt", "yahoo", "engine"]


def job(job_id: str) -> Call[answers.Job]:
    """Ask for the state of a job (admin)."""
    return Call("job", "GET", "/jobs/{job_id}", answers.Job, parameters={"job_id": job_id})


def jobs(limit: int = 20, *, status: answers.JobStatus | None = None, kind: str | None = None) -> Call[answers.Jobs]:
    """Ask for the newest jobs (admin), of one status or kind if named."""
    named = {"status": status, "kind": kind}
    query = {"limit": limit} | {name: value for name, value in named.items() if value is not None}
    return Call("jobs", "GET", "/jobs", answers.Jobs, query=query)


def cancel_job(job_id: str) -> Call[answers.Job]:
    """Cancel a job (admin)."""
    return Call("cancel_job", "DELETE", "/jobs/{job_id}", answers.Job, parameters={"job_id": job_id})


def retry_job(job_id: str) -> Call[answers.Job]:
    """Run a job again that failed, was cancelled or interrupted (admin)."""
    return Call("retry_job", "POST", "/jobs/{job_id}/retry", answers.Job, {}, parameters={"job_id": job_id})


def schedule() -> Call[answers.Schedule]:
    """Ask what is due when."""
    return Call("schedule", "GET", "/ai/schedule", answers.Schedule)


def analyze_many(symbols: Sequence[str] | None = None) -> Call[answers.JobQueued]:
    """Queue a job that analyzes many symbols (admin); without any those of the service."""
    return _queued("bulk_analysis", {"symbols": symbols})


def download_candles(
    symbols: Sequence[str],
    timeframe: answers.Timeframe,
    since: int,
    until: int | None = None,
    source: DownloadSource | None = None,
) -> Call[answers.JobQueued]:
    """Queue a job that downloads what the store lacks of the past of markets (admin).

    Args:
        symbols: Markets, 20 at most.
        timeframe: Length of a candle.
        since: Earliest open time, epoch ms.
        until: Latest close, epoch ms; None: now.
        source: Where from; None: Binance for coins, Yahoo for all others.
    """
    body = {"symbols": list(symbols), "timeframe": timeframe, "since": since, "until": until, "source": source}
    return _queued("download_candles", body)


def drill(
    days: int = 30,
    symbols: int = 8,
    *,
    timeframe: answers.Timeframe = "1h",
    edge: float = 0.0,
    correlation: float = 0.5,
    seed: int = 1,
) -> Call[answers.JobQueued]:
    """Queue a job that runs the service's ledger on simulated candles whose edge is known (admin).

    Args:
        days: Simulated days with answers, 1 to 90.
        symbols: Number of simulated markets, 1 to 50.
        timeframe: Of their candles, 5m to 4h.
        edge: Planted drift of trends, in standard deviations a candle, 0 to 2.
        correlation: Of the returns of any two markets, 0 to 1.
        seed: Of the simulated candles.
    """
    walk = {"edge": edge, "correlation": correlation, "seed": seed}
    return _queued("drill", {"days": days, "symbols": symbols, "timeframe": timeframe, **walk})


def settle() -> Call[answers.JobQueued]:
    """Queue a job that settles the ledger (admin)."""
    return _queued("settle", {})


def certify_parity(day: date | None = None) -> Call[answers.JobQueued]:
    """Queue a job that replays a UTC day of the ledger (admin); without one yesterday."""
    return _queued("parity", {"day": day and day.isoformat()})


def remove_old_documents() -> Call[answers.JobQueued]:
    """Queue a job that removes what is older than the settings allow (admin)."""
    return _queued("retention", {})


def queue_model_cleanup(keep: int | None = None) -> Call[answers.JobQueued]:
    """Queue a job that deletes old versions of models (admin); `keep` is the number of versions of a market."""
    return _queued("cleanup_models", {"keep": keep})


def retrain_models(full: bool = False) -> Call[answers.JobQueued]:
    """Queue a job that trains models which are too old or have drifted (admin), or all in production."""
    return _queued("retrain_if_needed", {"full": full})


def recalibrate_models(full: bool = False) -> Call[answers.JobQueued]:
    """Queue a job that recalibrates models in production from settled forecasts (admin), those that are due or all."""
    return _queued("recalibrate", {"full": full})


def review_itself() -> Call[answers.JobQueued]:
    """Queue a job that reviews the newest days of the service (admin)."""
    return _queued("self_analysis", {})


def report_health() -> Call[answers.JobQueued]:
    """Queue a job that makes a report of health (admin)."""
    return _queued("health_check", {})


def report_portfolio() -> Call[answers.JobQueued]:
    """Queue a job that makes a report of the trading engine's account (admin)."""
    return _queued("portfolio_report", {})


def report_costs() -> Call[answers.JobQueued]:
    """Queue a job that makes a report of the LLM's costs (admin)."""
    return _queued("cost_report", {})


def report_performance() -> Call[answers.JobQueued]:
    """Queue a job that makes a report of win rates and Sharpe ratios (admin)."""
    return _queued("performance_analysis", {})


def _queued(kind: str, body: dict[str, Any]) -> Call[answers.JobQueued]:
    return Call(f"job_{kind}", "POST", f"/jobs/{kind}", answers.JobQueued, body)
