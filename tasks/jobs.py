"""The functions that jobs run, in a process of their own.

A function takes JSON-like parameters and returns JSON-like results, may be run twice without harm, and raises
`AppError` with a message for the person who asked. A function imports its libraries itself, so that this module loads
fast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from domain.jobs import JobKind, JobProgress

Report = Callable[[JobProgress], None]
JobFunction = Callable[[dict[str, Any], Report], dict[str, Any]]


def train(parameters: dict[str, Any], report: Report) -> dict[str, Any]:
    """Train a model of candles, judge it and register it; a second run registers another version.

    Args:
        parameters: As `services.training.order.TrainingOrder`.
        report: Takes the progress.

    Returns:
        As `TrainingOutcome.report`.

    Raises:
        InsufficientData: too few candles, with the numbers.
        TrainingFailed, ExportMismatch: nothing is registered.
    """
    from domain.market import CandleSeries
    from models.model_manager import ModelManager
    from models.training.training_run import TrainingRequest
    from services.training.order import TrainingOrder
    from utils.clock import SystemClock

    order = TrainingOrder.model_validate(parameters)
    models = order.models.trained_with(epochs=order.epochs, seed=order.seed)
    manager = ModelManager(models, order.features, SystemClock().now)
    request = TrainingRequest(order.model_type, order.symbol, order.timeframe)
    series = CandleSeries.checked(order.timeframe, order.candles)
    return manager.train(request, {order.symbol: series}, report).report()


JOBS: Mapping[JobKind, JobFunction] = {JobKind.TRAIN: train}
