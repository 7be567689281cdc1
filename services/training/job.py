"""The job of a training: what its process does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.errors import InsufficientData
from domain.jobs import TellProgress
from domain.market import CandleSeries
from models.training.learner import needed_candles
from models.training.training_run import TrainingRequest
from services.job_candles.fetching import read_candles
from services.training.managers import open_manager
from services.training.parameters import TrainingParameters
from services.training.plan_training import PlanTraining
from utils.clock import Clock


def run_job(parameters: dict[str, Any], report: TellProgress, clock: Clock) -> dict[str, Any]:
    """Return the outcome of a training, as `TrainingOutcome.report`; a second run registers another version.

    Candles that the parameters do not have are read first.

    Raises:
        InvalidMarketData: candles of the parameters break a rule of the market.
        InsufficientData: too few candles, with the numbers.
        MarketDataUnavailable: a source of candles failed too often, or wants to be left alone for long.
        TrainingFailed, ExportMismatch: nothing is registered.
    """
    training = TrainingParameters.model_validate(parameters)
    read, listener = read_candles(training.pool or (training,), report, clock, "nothing was trained")
    markets = dict(read)
    _require_enough(training, markets)
    models = training.models.trained_with(epochs=training.epochs, seed=training.seed)
    request = TrainingRequest(training.model_type, training.symbol, training.timeframe)
    if training.plans is not None:
        measuring, evidence = training.plans.measuring, training.plans.evidence
        plans = PlanTraining(models, training.features, measuring, evidence, clock.now)
        return plans.train(request, markets, listener).report()
    manager = open_manager(models, training.features, training.indicators.atr_period, clock.now)
    return manager.train(request, markets, listener, shadow=training.shadow).report()


def _require_enough(training: TrainingParameters, markets: Mapping[str, CandleSeries]) -> None:
    """Refuse a market of which its source has fewer candles than the training needs."""
    needed = needed_candles(training.model_type, training.models, training.features)
    for market in training.pool or (training,):
        count = len(markets[market.symbol])
        if market.history is not None and count < needed:
            raise InsufficientData(
                f"training needs {needed} closed candles at least, {market.history.source} has {count} of "
                f"{market.symbol} {market.timeframe}"
            )
