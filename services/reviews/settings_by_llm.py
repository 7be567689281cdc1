"""The LLM's judgement of the service's own figures, checked against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.llm.grounding import FigureCheck
from services.reviews.findings import Advice, Change, Review
from services.reviews.settings_reply import SelfAnalysisReply, SettingChange


def held_to_the_facts(
    reply: SelfAnalysisReply, facts: Mapping[str, Any], measured: Review, check: FigureCheck
) -> Review:
    """Return the review in the LLM's words, with figures marked that it was not given.

    It may suggest changes of the settings that it was shown, between half and twice their value; a change that
    the rules measured counts more. Parts without enough figures for the rules stay empty.
    """
    suggestions = measured.suggestions
    if suggestions is not None:
        suggestions = replace(
            suggestions,
            root_cause=check.mark(reply.root_cause),
            key_issues=[check.mark(issue) for issue in reply.key_issues] or suggestions.key_issues,
            summary=check.mark(reply.summary),
            risk_assessment=check.mark(reply.risk_assessment),
            changes=_changes(reply.changes, facts, suggestions.changes, check),
        )
    advice = measured.advice and Advice(
        recommendation=reply.recommendation,
        confidence=round(reply.confidence, 4),
        reasoning=check.mark(reply.reasoning),
        urgency=reply.urgency,
        suggested_actions=[check.mark(action) for action in reply.suggested_actions],
    )
    return replace(measured, suggestions=suggestions, advice=advice)


def _changes(
    proposed: Sequence[SettingChange], facts: Mapping[str, Any], measured: Sequence[Change], check: FigureCheck
) -> list[Change]:
    settings = {**facts["indicators"], **facts["signal"]}
    changes = {change.setting: change for change in measured}
    for change in proposed:
        current = settings.get(change.setting)
        if isinstance(current, (int, float)) and not isinstance(current, bool) and change.setting not in changes:
            value = round(change.value) if isinstance(current, int) else change.value
            if value != current and current / 2 <= value <= 2 * current:
                changes[change.setting] = Change(change.setting, current, value, check.mark(change.reason))
    return list(changes.values())
