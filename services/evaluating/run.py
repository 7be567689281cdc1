"""One evaluation: a version asked about candles, its scores beside the baselines, and the returns of acting on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from domain.jobs import JobProgress, TellProgress
from domain.market import CandleSeries
from models.evaluation.equity import Backtest, backtest
from models.serving.version_evaluation import Evaluation, JudgedCandles, PartName
from services.evaluating.document import Document, evaluation_document, figures_of
from services.evaluating.parameters import TRADED_CANDLES, EvaluationParameters
from services.training.managers import open_manager

# Of the whole; the returns take a moment.
ASKING_SHARE = 0.9


@dataclass(frozen=True)
class TradedPart:
    """One part of the candles, and the backtest of trading on its forecasts; None of fewer than `TRADED_CANDLES`."""

    name: PartName
    judged: JudgedCandles
    backtest: Backtest | None


@dataclass(frozen=True)
class EvaluationResult:
    """The result as JSON-like values, and what tables and pictures are made of: all candles, and each part of them."""

    document: Document
    found: Evaluation
    backtest: Backtest
    parts: tuple[TradedPart, ...]


def run_evaluation(
    parameters: EvaluationParameters,
    series: CandleSeries,
    report: TellProgress,
    now: Callable[[], datetime],
    leader: CandleSeries | None = None,
) -> EvaluationResult:
    """Return the evaluation of a version on those of the candles that it was not trained on.

    Args:
        parameters: What is evaluated.
        series: Closed candles of the symbol in the version's timeframe, oldest first.
        report: Takes the progress.
        now: The server's clock, aware UTC.
        leader: Closed candles of what leads the market, where the version reads them and they are known.

    Raises:
        InsufficientData: the version was trained on all of the candles, or too few follow.
        InvalidRequest: it was imported, so its training data are not known.
        ModelNotFound, ModelUnusable: it cannot be loaded.
    """
    report(JobProgress(stage=f"asking {parameters.version}", share=0))
    manager = open_manager(parameters.models, parameters.features, parameters.indicators.atr_period, now)
    found = manager.evaluate(parameters.version, parameters.symbol, series, leader)
    report(JobProgress(stage="trading on its forecasts", share=ASKING_SHARE))
    traded = _traded(found.whole, series, parameters)
    parts = tuple(
        TradedPart(name, judged, traded if judged is found.whole else _traded_part(judged, series, parameters))
        for name, judged in found.parts.items()
    )
    return EvaluationResult(_document(found, parameters.symbol, traded, parts), found, traded, parts)


def _traded(judged: JudgedCandles, series: CandleSeries, parameters: EvaluationParameters) -> Backtest:
    """Return the backtest of trading on the forecasts, from the first of them on."""
    times = series.times_ms
    positions = np.searchsorted(times, judged.times_ms)
    probability = np.full(len(times), np.nan)
    probability[positions] = judged.predictions.probability
    first = int(positions[0])
    return backtest(
        probability[first:], series.opens[first:], times[first:], parameters.costs, parameters.models.serving
    )


def _traded_part(judged: JudgedCandles, series: CandleSeries, parameters: EvaluationParameters) -> Backtest | None:
    """Return the backtest of a part, which ends where the candles that it forecasts have closed."""
    until = int(np.searchsorted(series.times_ms, judged.times_ms[-1])) + TRADED_CANDLES
    part = series.part(0, min(until, len(series)))
    first = int(np.searchsorted(part.times_ms, judged.times_ms[0]))
    return _traded(judged, part, parameters) if len(part) - first >= TRADED_CANDLES else None


def _document(found: Evaluation, symbol: str, traded: Backtest, parts: Sequence[TradedPart]) -> Document:
    facts = {"leader": found.leader, "led": found.led}
    by_part = {part.name: _figures(part.judged, part.backtest) for part in parts}
    return evaluation_document(found.model, symbol, facts, _figures(found.whole, traded), by_part)


def _figures(judged: JudgedCandles, traded: Backtest | None) -> Document:
    return {
        **figures_of(judged, judged.baselines),
        "plans": judged.plans.model_dump(mode="json"),
        "performance": traded.performance.model_dump(mode="json") if traded else None,
    }
