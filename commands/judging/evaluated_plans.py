"""An evaluation of a plan model as tables for a terminal: beside the evidence, newer plans apart from earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType

from commands.judging.evaluated import TITLES, reliability
from commands.tables.figures import facts_table
from commands.tables.models import scores_table
from domain.values import minute_text
from models.evaluation.baselines import EVIDENCE
from services.evaluating.document import WORDS
from services.evaluating.plans import JudgedPlans, PlanEvaluation


def evaluated_plans(result: PlanEvaluation, symbol: str, pictures: Sequence[Path]) -> Group:
    """Return figures and reliability of each part of the plans."""
    model, whole = result.model, result.whole
    facts = {
        "version": model.version,
        "market": f"{symbol} {model.timeframe}",
        "plans": f"{len(whole.times_ms):,} that it has not learned from and that reached target or stop",
        **({"pictures": ", ".join(map(str, pictures))} if pictures else {}),
    }
    if "newer" not in result.parts:
        facts["evidence"] = "no plan of the file is newer than its training"
    tables: list[RenderableType] = []
    for name, judged in result.parts.items():
        tables += ["", *_part(TITLES[name], WORDS[name], judged, str(model.type))]
    return Group(facts_table(facts), *tables)


def _part(title: str, words: str, judged: JudgedPlans, kind: str) -> list[RenderableType]:
    days = " to ".join(minute_text(int(time)) for time in judged.times_ms[[0, -1]])
    about = {
        title: f"{len(judged.times_ms):,} plans, as good as {judged.independent:,} independent ones, {days}",
        "": words,
        "against the evidence": judged.against.in_words(),
    }
    return [
        facts_table(about),
        scores_table({kind: judged.scores, EVIDENCE: judged.evidence}),
        reliability(judged.reliability, "target first"),
    ]
