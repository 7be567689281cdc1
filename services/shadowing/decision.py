"""The rule by which a candidate that shadows is promoted or refused; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from config.model_settings import ModelSettings
from models.registry.shadows import Shadow, ShadowFigures

# Of the settled forecasts of the model in production, the share that a candidate must have answered too when its time
# is up: one that mostly fails is not promoted because figures are missing.
LEAST_ANSWERED = 0.5


@dataclass(frozen=True)
class ShadowDecision:
    """Whether the candidate replaces the model in production, and why."""

    promote: bool
    why: str


class ShadowRule:
    """Decides by the paired difference of the Brier losses, whose interval holds at every look."""

    def __init__(self, settings: ModelSettings) -> None:
        """Keep number of forecasts, margin and time limit."""
        self.needed = settings.shadow_forecasts
        self.margin = settings.shadow_margin
        self._longest = timedelta(days=settings.shadow_max_days)

    def decide(self, shadow: Shadow, figures: ShadowFigures, now: datetime) -> ShadowDecision | None:
        """Return the decision, None while it is open.

        With enough settled pairs the candidate is refused where the whole interval says worse, and promoted where the
        whole interval says not worse by more than the margin. When the time is up the decision of the gate counts,
        which rests on more forecasts, unless the candidate is worse or has mostly failed to answer.

        Args:
            shadow: Of the candidate.
            figures: The newest.
            now: Aware UTC time.
        """
        if not self.needed:
            return ShadowDecision(True, "shadowing is switched off, so the decision of the gate counts")
        said = in_words(figures)
        late = now >= shadow.since + self._longest
        enough = figures.settled >= self.needed
        if (enough or late) and figures.high is not None and figures.high < 0:
            return ShadowDecision(False, f"worse than {shadow.production}: {said}")
        if enough and figures.low is not None and figures.low > -self.margin:
            better = "better" if figures.low > 0 else f"not worse by more than {self.margin:g}"
            return ShadowDecision(True, f"{better} than {shadow.production}: {said}")
        if not late:
            return None
        days = f"undecided after {self._longest.days} days"
        if figures.settled < LEAST_ANSWERED * figures.produced:
            missing = f"it answered {figures.settled} of {figures.produced} forecasts of {shadow.production}"
            return ShadowDecision(False, f"{days}, and {missing}")
        return ShadowDecision(True, f"{days}, so the decision of the gate counts; {said}")


def in_words(figures: ShadowFigures) -> str:
    """Return the figures as a part of a sentence."""
    if figures.brier_gain is None:
        return "no forecast of both is settled"
    said = f"mean gain in Brier loss {figures.brier_gain:+.4f} on {figures.settled} forecasts of both"
    if figures.low is None or figures.high is None:
        return f"{said}, too few for an interval"
    return f"{said} [{figures.low:+.4f}, {figures.high:+.4f}]"
