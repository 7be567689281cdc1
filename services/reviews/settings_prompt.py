"""The prompt of a self-analysis: what should the operator change?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from services.ledger.scoring.records import Record
from services.llm.prompt import Prompt, make_prompt
from services.reviews.findings import ReviewEvidence, is_judged
from services.reviews.settings_reply import SELF_ANALYSIS_SCHEMA
from services.reviews.trade_figures import groups_of, statistics_of

INSTRUCTIONS = Path(__file__).with_name("self_analysis_v3.txt")
MAX_GROUPS = 12
_FIGURES = ("count", "effective", "hit_rate", "low", "high", "base_rate", "net_r", "net_bps", "verdict")


def self_analysis_prompt(evidence: ReviewEvidence) -> Prompt:
    """Return the question about the evidence, without dates."""
    model = evidence.model
    facts = {
        "days": evidence.days,
        "trades": asdict(statistics_of(evidence.trades)),
        "trade_groups": [asdict(group) for group in groups_of(evidence.trades)[:MAX_GROUPS]],
        "lane_records": [_figures(record) for record in evidence.records if is_judged(record)],
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
        "newest_days": evidence.week.facts,
    }
    return make_prompt(INSTRUCTIONS, facts, {}, SELF_ANALYSIS_SCHEMA)


def _figures(record: Record) -> dict[str, Any]:
    return {
        "lane": record.key.lane,
        "timeframe": record.key.timeframe,
        "horizon_candles": record.key.horizon or "plan",
        **{name: getattr(record, name) for name in _FIGURES},
    }
