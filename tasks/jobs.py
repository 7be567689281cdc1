"""The functions that jobs run, in a process of their own.

A function takes JSON-like parameters and returns JSON-like results, may be run twice without harm, and raises
`AppError` with a message for the person who asked; what it takes, returns and raises is said where the work is done.
That is imported when its job runs, so that this module loads fast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from domain.job_kinds import JobKind
from domain.jobs import TellProgress
from utils.clock import SystemClock

JobFunction = Callable[[dict[str, Any], TellProgress], dict[str, Any]]


def train(parameters: dict[str, Any], report: TellProgress) -> dict[str, Any]:
    """Train a model, judge it and register it; a second run registers another version."""
    from services.training.job import run_job

    return run_job(parameters, report, SystemClock())


def bias_lookahead(parameters: dict[str, Any], report: TellProgress) -> dict[str, Any]:
    """Find what looks ahead."""
    from services.bias.job import run_lookahead

    return run_lookahead(parameters, report, SystemClock())


def bias_recursive(parameters: dict[str, Any], report: TellProgress) -> dict[str, Any]:
    """Measure how much history everything needs."""
    from services.bias.job import run_recursive

    return run_recursive(parameters, report, SystemClock())


def backtest(parameters: dict[str, Any], report: TellProgress) -> dict[str, Any]:
    """Trade the past by the signals of a lane; a second run counts as the same trial."""
    from services.backtests.job import run_job

    return run_job(parameters, report, SystemClock())


def optimise(parameters: dict[str, Any], report: TellProgress) -> dict[str, Any]:
    """Search for better settings of trades; a second run tries the same ones, which count once."""
    from services.optimising.job import run_job

    return run_job(parameters, report, SystemClock())


def drill(parameters: dict[str, Any], report: TellProgress) -> dict[str, Any]:
    """Run the ledger from end to end on simulated candles, in a database of its own that ends with the job."""
    from services.ledger.drill.job import run_job
    from storage.factory import open_scratch

    return run_job(parameters, report, open_scratch)


def evaluate(parameters: dict[str, Any], report: TellProgress) -> dict[str, Any]:
    """Score a version on candles that it was not trained on."""
    from services.evaluating.job import run_job

    return run_job(parameters, report, SystemClock())


def evidence(parameters: dict[str, Any], report: TellProgress) -> dict[str, Any]:
    """Measure plans, and build evidence of them or check the evidence in use by them."""
    from services.evidence.job import run_job

    return run_job(parameters, report, SystemClock())


JOBS: Mapping[JobKind, JobFunction] = {
    JobKind.TRAIN: train,
    JobKind.BIAS_LOOKAHEAD: bias_lookahead,
    JobKind.BIAS_RECURSIVE: bias_recursive,
    JobKind.BACKTEST: backtest,
    JobKind.OPTIMISE: optimise,
    JobKind.DRILL: drill,
    JobKind.EVALUATE: evaluate,
    JobKind.EVIDENCE: evidence,
}
