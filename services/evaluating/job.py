"""The job of an evaluation: what its process does."""

from __future__ import annotations

from typing import Any

from domain.jobs import TellProgress
from services.evaluating.parameters import EvaluationJobParameters
from services.evaluating.plans import evaluate_plans
from services.evaluating.run import run_evaluation
from services.job_candles.fetching import read_candles
from utils.clock import Clock


def run_job(parameters: dict[str, Any], report: TellProgress, clock: Clock) -> dict[str, Any]:
    """Return the result of an evaluation; candles that the parameters do not have are read first.

    Raises:
        MarketDataUnavailable: a source of candles failed too often.
        InsufficientData, InvalidRequest, ModelNotFound, ModelUnusable: as `run_evaluation` and `evaluate_plans`.
    """
    job = EvaluationJobParameters.model_validate(parameters)
    ((_, series), *led_by), listener = read_candles((job.series, *job.leaders), report, clock, "nothing was evaluated")
    leader = led_by[0][1] if led_by else None
    if job.evaluation.plans is not None:
        return evaluate_plans(job.evaluation, series, listener, clock.now, leader).document
    return run_evaluation(job.evaluation, series, listener, clock.now, leader).document
