"""The prompt of a self-analysis: what should the operator change?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from services.ledger.hit_rates import HitRate
from services.llm.prompt import Prompt, make_prompt
from services.reviews.findings import ReviewEvidence
from services.reviews.settings_reply import SELF_ANALYSIS_SCHEMA
from services.reviews.trade_figures import groups_of, statistics_of

INSTRUCTIONS = Path(__file__).with_name("self_analysis_v1.txt")
MAX_GROUPS = 12


def self_analysis_prompt(evidence: ReviewEvidence) -> Prompt:
    """Return the question about the evidence, without dates."""
    model = evidence.model
    facts = {
        "days": evidence.days,
        "trades": asdict(statistics_of(evidence.trades)),
        "trade_groups": [asdict(group) for group in groups_of(evidence.trades)[:MAX_GROUPS]],
        "hit_rates": {
            "all": _rates(evidence.scores.overall),
            **{source.value: _rates(rates) for source, rates in evidence.scores.by_source.items()},
        },
        "model": {
            "type": model.type.value,
            "horizon_candles": model.horizon_candles,
            "timeframe": model.timeframe.value,
            "accuracy": model.metrics.accuracy if model.metrics else None,
            "predictions": model.metrics.count if model.metrics else 0,
        }
        if model
        else None,
        "indicators": dict(evidence.indicators),
        "signal": dict(evidence.signal),
    }
    return make_prompt(INSTRUCTIONS, facts, {}, SELF_ANALYSIS_SCHEMA)


def _rates(rates: Sequence[HitRate]) -> list[dict[str, Any]]:
    return [asdict(rate) for rate in rates if rate.hit_rate is not None]
