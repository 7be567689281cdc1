"""What `models list` and `models show` say of candidates that shadow models in production."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def shadow_in_words(shadow: Mapping[str, Any]) -> str:
    """Return a sentence on a shadow, with its figures."""
    if shadow["state"] != "shadowing":
        return f"{shadow['state']} beside {shadow['production']}: {shadow['reason']}"
    said = f"beside {shadow['production']} since {shadow['since']}"
    if shadow["settled"] is None:
        return f"{said}; the ledger does not answer"
    gain = "" if shadow["brier_gain"] is None else f", mean gain in Brier loss {shadow['brier_gain']:+.4f}"
    ends = "" if shadow["low"] is None else f" [{shadow['low']:+.4f}, {shadow['high']:+.4f}]"
    return f"{said}: {shadow['settled']} of {shadow['needed']} forecasts settled{gain}{ends}"


def shadow_lines(shadows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line for each candidate that shadows now."""
    return [f"{one} {shadow_in_words(shadow)}" for one, shadow in shadows.items() if shadow["state"] == "shadowing"]
