"""The job of an evaluation: what its process does."""

from __future__ import annotations

from typing import Any

from services.backtests.job import read_candles
from services.evaluating.order import EvaluationJobOrder
from services.evaluating.run import Report, run_evaluation
from utils.clock import Clock


def run_job(parameters: dict[str, Any], report: Report, clock: Clock) -> dict[str, Any]:
    """Return the result of an evaluation, whose candles are read first where the order does not bring them.

    Raises:
        MarketDataUnavailable: a source of candles failed too often.
        InsufficientData, InvalidRequest, ModelNotFound, ModelUnusable: as `run_evaluation`.
    """
    job = EvaluationJobOrder.model_validate(parameters)
    ((_, series),), listener = read_candles((job.series,), report, clock, "nothing was evaluated")
    return run_evaluation(job.order, series, listener, clock.now).document
