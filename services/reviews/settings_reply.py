"""The LLM's reply to the service's own figures."""

from __future__ import annotations

from typing import Literal

from services.llm.replies import Number, Prose, ReplyModel, Share, schema_of
from services.reviews.trade_reply import Points


class SettingChange(ReplyModel):
    """Another value of a setting, as the model proposes it."""

    setting: str
    value: Number
    reason: Prose


class SelfAnalysisReply(ReplyModel):
    """What the model makes of the figures; nothing in it has been checked against them."""

    root_cause: Prose
    key_issues: Points
    summary: Prose
    risk_assessment: Prose
    changes: list[SettingChange]
    recommendation: Literal["retrain", "wait", "optimize_parameters"]
    confidence: Share
    reasoning: Prose
    urgency: Literal["low", "medium", "high"]
    suggested_actions: Points


SELF_ANALYSIS_SCHEMA = schema_of(SelfAnalysisReply, "self_analysis")
