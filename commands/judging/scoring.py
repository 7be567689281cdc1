"""One version scored on the candles of one file, with its table and pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.console import writing
from commands.judging.evaluated import evaluated
from commands.judging.evaluated_plans import evaluated_plans
from domain.market import CandleSeries
from services.evaluating.parameters import EvaluationParameters
from services.evaluating.plans import evaluate_plans
from services.evaluating.run import run_evaluation
from utils.clock import SystemClock

if TYPE_CHECKING:
    from rich.console import RenderableType

    from commands.versions import ChosenVersion
    from models.evaluation.equity import Backtest
    from models.registry.metadata import ModelMetadata
    from models.serving.version_evaluation import JudgedPredictions


def score(
    parameters: EvaluationParameters,
    chosen: ChosenVersion,
    leader: CandleSeries | None,
    folder: Path | None,
    now: Callable[[str], None],
) -> tuple[dict[str, Any], RenderableType]:
    """Return the result as JSON-like values, and as a table.

    Args:
        parameters: What is evaluated.
        chosen: The version, and its candles.
        leader: Closed candles of what leads the market, where they are known.
        folder: Of pictures; None where none are wanted.
        now: Takes what is done at present, in words.

    Raises:
        InvalidRequest: the folder cannot be written to, or the version cannot be evaluated on the candles.
    """
    given = parameters, chosen.series, lambda progress: now(progress.stage), SystemClock().now, leader
    if parameters.plans is not None:
        plans = evaluate_plans(*given)
        pictures = _draw(folder, plans.model, chosen.symbol, plans.whole, None)
        document, table = plans.document, evaluated_plans(plans, chosen.symbol, pictures)
    else:
        closes = run_evaluation(*given)
        pictures = _draw(folder, closes.found.model, chosen.symbol, closes.found.whole, closes.backtest)
        document, table = closes.document, evaluated(closes, chosen.symbol, pictures)
    return {**document, "pictures": list(map(str, pictures))}, table


def _draw(
    folder: Path | None, model: ModelMetadata, symbol: str, whole: JudgedPredictions, traded: Backtest | None
) -> list[Path]:
    if folder is None:
        return []
    from models.evaluation.plots import Subject, write_equity, write_reliability

    subject, said = Subject(model.version, symbol, model.timeframe), whole.predictions
    pictures = [folder / "reliability.png"]
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_reliability(pictures[0], said.probability, said.returns, whole.times_ms, subject)
        if traded is not None:
            pictures.append(folder / "equity.png")
            write_equity(pictures[1], traded, subject)
    return pictures
