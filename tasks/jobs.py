"""The functions that jobs run, in a process of their own.

A function takes JSON-like parameters and returns JSON-like results, may be run twice without harm, and raises
`AppError` with a message for the person who asked. A function imports its libraries itself, so that this module loads
fast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from domain.job_kinds import JobKind
from domain.jobs import TellProgress

JobFunction = Callable[[dict[str, Any], TellProgress], dict[str, Any]]


def train(parameters: dict[str, Any], report: TellProgress) -> dict[str, Any]:
    """Train a model of candles, judge it and register it; a second run registers another version.

    Candles that the parameters do not bring are read from a market-data source first.

    Args:
        parameters: As `services.training.parameters.TrainingParameters`.
        report: Takes the progress.

    Returns:
        As `TrainingOutcome.report`.

    Raises:
        InsufficientData: too few candles, with the numbers.
        MarketDataUnavailable: the source of the candles failed too often.
        TrainingFailed, ExportMismatch: nothing is registered.
    """
    import asyncio

    from models.training.training_run import TrainingRequest
    from services.job_candles.fetching import after_fetching
    from services.training.candles import read_candles
    from services.training.managers import open_manager
    from services.training.parameters import TrainingParameters
    from services.training.plan_training import PlanTraining
    from utils.clock import SystemClock

    training = TrainingParameters.model_validate(parameters)
    models = training.models.trained_with(epochs=training.epochs, seed=training.seed)
    request = TrainingRequest(training.model_type, training.symbol, training.timeframe)
    markets = asyncio.run(read_candles(training, report, SystemClock()))
    if any(market.history for market in training.pool or (training,)):
        report = after_fetching(report)
    if training.plans is not None:
        measuring, evidence = training.plans.measuring, training.plans.evidence
        plans = PlanTraining(models, training.features, measuring, evidence, SystemClock().now)
        return plans.train(request, markets, report).report()
    manager = open_manager(models, training.features, training.indicators.atr_period, SystemClock().now)
    return manager.train(request, markets, report, shadow=training.shadow).report()


def bias_lookahead(parameters: dict[str, Any], report: TellProgress) -> dict[str, Any]:
    """Find what looks ahead.

    Args:
        parameters: As `services.bias.parameters.BiasParameters`.
        report: Takes the progress.

    Returns:
        As `services.bias.reports.lookahead_report`.

    Raises:
        InsufficientData: too few candles, with the numbers.
        MarketDataUnavailable: the source of the candles failed too often.
        ModelNotFound, ModelUnusable: the version is gone or damaged.
    """
    from services.bias.parameters import BiasParameters
    from services.bias.running import run_lookahead
    from utils.clock import SystemClock

    return run_lookahead(BiasParameters.model_validate(parameters), report, SystemClock())


def bias_recursive(parameters: dict[str, Any], report: TellProgress) -> dict[str, Any]:
    """Measure how much history everything needs; parameters and errors are those of `bias_lookahead`.

    Returns:
        As `services.bias.reports.history_report`.
    """
    from services.bias.parameters import BiasParameters
    from services.bias.running import run_recursive
    from utils.clock import SystemClock

    return run_recursive(BiasParameters.model_validate(parameters), report, SystemClock())


def backtest(parameters: dict[str, Any], report: TellProgress) -> dict[str, Any]:
    """Trade the past by the signals of a lane; a second run counts as the same trial.

    Args:
        parameters: As `services.backtests.job.BacktestJobParameters`.
        report: Takes the progress.

    Returns:
        As `cli.py backtest --json`.

    Raises:
        InvalidRequest, InsufficientData, InvalidMarketData: candles or parameters are unfit; the message says why.
        MarketDataUnavailable: the source of the candles failed too often.
        ModelNotFound, ModelUnusable: the version of the lane cannot be loaded.
    """
    from services.backtests.job import run_job
    from utils.clock import SystemClock

    return run_job(parameters, report, SystemClock())


def optimise(parameters: dict[str, Any], report: TellProgress) -> dict[str, Any]:
    """Search for better settings of trades; a second run tries the same ones, which count once.

    Args:
        parameters: As `services.optimising.job.OptimiseJobParameters`.
        report: Takes the progress.

    Returns:
        As `cli.py optimise --json`.

    Raises:
        InvalidRequest, InsufficientData, InvalidMarketData: candles or parameters are unfit; the message says why.
        MarketDataUnavailable: the source of the candles failed too often.
    """
    from services.optimising.job import run_job
    from utils.clock import SystemClock

    return run_job(parameters, report, SystemClock())


def drill(parameters: dict[str, Any], report: TellProgress) -> dict[str, Any]:
    """Run the ledger from end to end on simulated candles, in a database of its own that ends with the job.

    Args:
        parameters: As `services.ledger.drill.job.DrillJobParameters`.
        report: Takes the progress.

    Returns:
        As `cli.py drill --json`; `passed` is false where the ledger did not find the truth.

    Raises:
        InvalidRequest: more answers than a drill may have.
        StorageUnavailable: the temporary folder cannot be written.
    """
    from services.ledger.drill.job import run_job
    from storage.factory import open_scratch

    return run_job(parameters, report, open_scratch)


def evaluate(parameters: dict[str, Any], report: TellProgress) -> dict[str, Any]:
    """Score a version on candles that it was not trained on.

    Args:
        parameters: As `services.evaluating.job.EvaluationJobParameters`.
        report: Takes the progress.

    Returns:
        As `cli.py evaluate --json`, but for the pictures.

    Raises:
        InvalidRequest, InsufficientData, InvalidMarketData: candles or parameters are unfit; the message says why.
        MarketDataUnavailable: the source of the candles failed too often.
        ModelNotFound, ModelUnusable: the version cannot be loaded.
    """
    from services.evaluating.job import run_job
    from utils.clock import SystemClock

    return run_job(parameters, report, SystemClock())


def evidence(parameters: dict[str, Any], report: TellProgress) -> dict[str, Any]:
    """Measure plans, and build evidence of them or check the evidence in use by them.

    Args:
        parameters: As `services.evidence.job.EvidenceJobParameters`.
        report: Takes the progress.

    Returns:
        As the file of `cli.py evidence build`, or as `cli.py evidence check --json` but for the pictures.

    Raises:
        InvalidRequest, InsufficientData, InvalidMarketData: candles or parameters are unfit; the message says why.
        MarketDataUnavailable: the source of the candles failed too often.
    """
    from services.evidence.job import run_job
    from utils.clock import SystemClock

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
