"""One evaluation: a version asked about candles, its scores beside the baselines, and the returns of acting on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from config.model_settings import ServingSettings
from domain.jobs import JobProgress
from domain.market import CandleSeries
from domain.trading.costs import Costs
from domain.values import utc_time
from models.evaluation.equity import Backtest, backtest
from models.model_manager import Evaluation
from services.evaluating.order import EvaluationOrder
from services.training.managers import open_manager

Report = Callable[[JobProgress], None]
# Of the whole; the returns take a moment.
ASKING_SHARE = 0.9


@dataclass(frozen=True)
class EvaluationResult:
    """The result as JSON-like values, and what tables and pictures are made of."""

    document: dict[str, Any]
    found: Evaluation
    backtest: Backtest


def run_evaluation(
    order: EvaluationOrder, series: CandleSeries, report: Report, now: Callable[[], datetime]
) -> EvaluationResult:
    """Return the evaluation of a version on those of the candles that it was not trained on.

    Args:
        order: What is evaluated.
        series: Closed candles of the order's symbol in the version's timeframe, oldest first.
        report: Takes the progress.
        now: The server's clock, aware UTC.

    Raises:
        InsufficientData: the version was trained on all of the candles, or too few follow.
        InvalidRequest: it was imported, so its training data are not known.
        ModelNotFound, ModelUnusable: it cannot be loaded.
    """
    report(JobProgress(stage=f"asking {order.version}", share=0))
    manager = open_manager(order.models, order.features, order.indicators.atr_period, now)
    found = manager.evaluate(order.version, order.symbol, series)
    report(JobProgress(stage="trading on its forecasts", share=ASKING_SHARE))
    traded = _traded(found, series, order.costs, order.models.serving)
    return EvaluationResult(_document(found, order.symbol, traded), found, traded)


def _traded(found: Evaluation, series: CandleSeries, costs: Costs, serving: ServingSettings) -> Backtest:
    """Return the backtest of trading on the forecasts, from the first of them on."""
    times = series.times_ms
    positions = np.searchsorted(times, found.times_ms)
    probability = np.full(len(times), np.nan)
    probability[positions] = found.predictions.probability
    first = int(positions[0])
    return backtest(probability[first:], series.opens[first:], times[first:], costs, serving)


def _document(found: Evaluation, symbol: str, traded: Backtest) -> dict[str, Any]:
    model = found.model
    return {
        "version": model.version,
        "type": model.type.value,
        "symbol": symbol,
        "timeframe": model.timeframe.value,
        "horizon_candles": model.horizon_candles,
        "first": utc_time(int(found.times_ms[0])).isoformat(),
        "last": utc_time(int(found.times_ms[-1])).isoformat(),
        "metrics": found.scores.model_dump(mode="json"),
        "baselines": {name: scores.model_dump(mode="json") for name, scores in found.baselines.items()},
        "plans": found.plans.model_dump(mode="json") if found.plans else None,
        "reliability": [entry.model_dump(mode="json") for entry in found.reliability],
        "performance": traded.performance.model_dump(mode="json"),
    }
