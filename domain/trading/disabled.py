"""Lanes and strategies that may be disabled, by their names."""

from __future__ import annotations

from collections.abc import Callable

# The lanes whose answers callers are given; a blend is rules and model.
RULES, MODEL, LLM = "rules", "model", "llm"
LANES = (RULES, MODEL, LLM)

# Gives the reason why the part of this name is disabled now, None where it is not.
WhyDisabled = Callable[[str], str | None]


def nothing_is_disabled(_: str) -> str | None:
    """Return that the part takes part, as in replays."""
    return None
