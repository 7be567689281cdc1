"""An evaluation as tables for a terminal: candles newer than the training apart from those inside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table

from commands.tables.figures import facts_table, headed_table
from commands.tables.models import plan_tables, scores_table
from domain.values import minute_text
from models.evaluation.calibration import ReliabilityBin
from models.evaluation.equity import BacktestFigures
from services.evaluating.document import WORDS
from services.evaluating.run import EvaluationResult, TradedPart

TITLES = {"newer": "Newer than its training", "walk_forward": "Inside its training (walk forward)"}


def evaluated(result: EvaluationResult, symbol: str, pictures: Sequence[Path]) -> Group:
    """Return figures, reliability and the returns of trading on the forecasts, of each part of the candles."""
    evaluation = result.found
    model, whole = evaluation.model, evaluation.whole
    facts = {
        "version": model.version,
        "market": f"{symbol} {model.timeframe}",
        "candles": f"{len(whole.times_ms):,} that it was not trained on",
        **({"leader": f"{evaluation.leader}, at {evaluation.led:,} of the newer candles"} if evaluation.leader else {}),
        **({"pictures": ", ".join(map(str, pictures))} if pictures else {}),
    }
    if "newer" not in result.found.parts:
        facts["evidence"] = "no candle of the file is newer than its training"
    return Group(facts_table(facts), *(table for part in result.parts for table in _part(part, str(model.type))))


def _part(part: TradedPart, kind: str) -> list[RenderableType]:
    judged = part.judged
    days = " to ".join(minute_text(int(time)) for time in judged.times_ms[[0, -1]])
    about = {TITLES[part.name]: f"{len(judged.times_ms):,} candles, {days}", "": WORDS[part.name]}
    if "brier" not in judged.scores.intervals:
        about["intervals"] = "none: too few candles"
    performance = [_performance(part.backtest.performance)] if part.backtest else []
    return [
        "",
        facts_table(about),
        scores_table({kind: judged.scores, **judged.baselines}),
        reliability(judged.reliability),
        *plan_tables(judged.plans),
        *performance,
    ]


def reliability(bins: Sequence[ReliabilityBin], observed: str = "rose") -> Table:
    """Return the observed share by predicted probability; `observed` names of what."""
    table = headed_table("predicted", "mean", "n", observed, title="Reliability")
    for group in bins:
        table.add_row(
            f"{group.low:.3f} to {group.high:.3f}",
            f"{group.mean_probability:.3f}",
            f"{group.count:,}",
            f"{group.share_up:.3f}",
        )
    return table


def _performance(performance: BacktestFigures) -> Table:
    costs = performance.costs
    facts = {
        "costs": f"{costs.fee_bps:g} bps fee and {costs.slippage_bps:g} bps slippage per change of position",
        "trades": f"{performance.trades:,}",
        "in a position": f"{performance.exposure:.1%} of {performance.candles:,} candles",
        "return after costs": f"{performance.total_return:+.2%}, deepest fall {performance.max_drawdown:.2%}",
        "return free of costs": f"{performance.gross_return:+.2%}",
        "bought and held": f"{performance.buy_and_hold_return:+.2%}, "
        f"deepest fall {performance.buy_and_hold_max_drawdown:.2%}",
    }
    return facts_table(facts, title="Acting on it")
