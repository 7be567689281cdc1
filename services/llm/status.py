"""State of the LLM for health checks: whether it can be asked, and the announced end of its model."""

from __future__ import annotations

from datetime import UTC

from config.llm_settings import LlmSettings
from services.llm.calling.key_ring import KeyState
from utils.clock import Clock

# Two months are enough to try another model, and short enough not to be ignored.
WARNING_DAYS = 60
_AVAILABLE = frozenset({"ready", "spacing"})


def can_be_asked(states: list[KeyState]) -> bool:
    """Return whether a key is ready, or will be once its spacing has passed."""
    return any(state.status in _AVAILABLE for state in states)


def shutdown_warning(settings: LlmSettings, clock: Clock) -> str | None:
    """Return a warning of the model's announced end, None while it is far or unknown."""
    ends = settings.model_settings(settings.model).shutdown_date
    if ends is None:
        return None
    days = (ends - clock.now().astimezone(UTC).date()).days
    if days > WARNING_DAYS:
        return None
    when = f"is switched off on {ends}, in {days} days" if days > 0 else f"was to be switched off on {ends}"
    after = ", ".join(settings.fallback_models)
    return f"the LLM {settings.model} {when}; " + (f"{after} is asked then" if after else "llm.model names no other")
