"""The LLM's judgement of the service's own figures, believed as far as these go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.llm.grounding import Grounded, ground_reasoning, groundedness
from services.llm.self_analysis_reply import SelfAnalysisReply, SettingChange
from services.self_review import Advice, Change, Review

Grounding = Callable[[str], str]


def held_to_the_facts(
    reply: SelfAnalysisReply, facts: Mapping[str, Any], measured: Review
) -> tuple[Review, float | None]:
    """Return the review in the LLM's words, figures that it was not given marked, and the share of the others.

    The settings it may change are those it was shown, within half and twice their value; what the rules
    measured of the same setting counts more. Where the rules have too little, it has nothing to say.
    """
    grounded: list[Grounded] = []

    def ground(text: str) -> str:
        grounded.append(ground_reasoning(text, facts, names=()))
        return grounded[-1].reasoning

    suggestions = measured.suggestions
    if suggestions is not None:
        suggestions = replace(
            suggestions,
            root_cause=ground(reply.root_cause),
            key_issues=[ground(issue) for issue in reply.key_issues] or suggestions.key_issues,
            summary=ground(reply.summary),
            risk_assessment=ground(reply.risk_assessment),
            changes=_changes(reply.changes, facts, suggestions.changes, ground),
        )
    advice = measured.advice and Advice(
        recommendation=reply.recommendation,
        confidence=round(reply.confidence, 4),
        reasoning=ground(reply.reasoning),
        urgency=reply.urgency,
        suggested_actions=[ground(action) for action in reply.suggested_actions],
    )
    return replace(measured, suggestions=suggestions, advice=advice), groundedness(grounded)


def _changes(
    proposed: Sequence[SettingChange], facts: Mapping[str, Any], measured: Sequence[Change], ground: Grounding
) -> list[Change]:
    settings = {**facts["indicators"], **facts["signal"]}
    changes = {change.setting: change for change in measured}
    for each in proposed:
        current = settings.get(each.setting)
        if isinstance(current, (int, float)) and not isinstance(current, bool) and each.setting not in changes:
            value = round(each.value) if isinstance(current, int) else each.value
            if value != current and current / 2 <= value <= 2 * current:
                changes[each.setting] = Change(each.setting, current, value, ground(each.reason))
    return list(changes.values())
