"""Whether the newest days are acceptable, so that no advice is needed and no LLM is paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from config.watch_settings import SelfAnalysisSettings
from services.ledger.scoring.records import Record
from services.reviews.week import ModelTrend, Week


class WeekOutcome(StrEnum):
    """What the figures of some days are; only those below the bounds are analyzed further."""

    ACCEPTABLE = "acceptable"
    INSUFFICIENT = "insufficient_data"
    BELOW = "below_bounds"


@dataclass(frozen=True)
class Assessment:
    """The outcome, and for a person every figure that decided it with its bound."""

    outcome: WeekOutcome
    reasons: Sequence[str]


def assess(week: Week, settings: SelfAnalysisSettings) -> Assessment:
    """Return whether some days are acceptable: every figure that is measured has to keep its bound.

    Figures count as they are, without their intervals: a wrong "below" costs one question to the LLM, which is told
    the intervals, and no more.
    """
    calls = week.calls
    if calls is None or calls.hit_rate is None or calls.effective < settings.min_calls:
        settled = 0 if calls is None else calls.count
        worth = 0.0 if calls is None else calls.effective
        few = (
            f"{settled} calls of {week.days} days are settled (worth {worth:.0f} independent ones), "
            f"{settings.min_calls} independent ones are needed"
        )
        return Assessment(WeekOutcome.INSUFFICIENT, [few])
    found = [_hit_rate(calls, week, settings)]
    plans = week.plans
    if plans is not None and plans.net_r is not None and plans.effective >= settings.min_calls:
        words = (
            f"{plans.count} plans came to {plans.net_r:+.3f} of their risk after costs, bound {settings.min_net_r:+.3f}"
        )
        found.append((words, plans.net_r >= settings.min_net_r))
    notes = []
    if week.model is None:
        notes.append("no model is in production")
    else:
        judged = _model(week.model, settings)
        found += judged
        if not judged:
            notes.append(f"too few forecasts of {week.model.version} are settled to be compared with its training")
    below = [words for words, kept in found if not kept]
    if below:
        return Assessment(WeekOutcome.BELOW, [*below, *notes])
    return Assessment(WeekOutcome.ACCEPTABLE, [*(words for words, _ in found), *notes])


def _hit_rate(calls: Record, week: Week, settings: SelfAnalysisSettings) -> tuple[str, bool]:
    rate = calls.hit_rate or 0.0
    words = (
        f"{rate:.1%} of {calls.count} calls on {week.timeframe} were right "
        f"(at every look {calls.low:.1%} to {calls.high:.1%}), bound {settings.min_hit_rate:.1%}"
    )
    return words, rate >= settings.min_hit_rate


def _model(model: ModelTrend, settings: SelfAnalysisSettings) -> list[tuple[str, bool]]:
    now, found = model.period, list[tuple[str, bool]]()
    if now is None:
        return found
    if now.hit_rate is not None and model.trained_hit_rate is not None and now.effective >= settings.min_calls:
        least = model.trained_hit_rate - settings.max_hit_rate_drop
        words = (
            f"{model.version} was right in {now.hit_rate:.1%} of {now.count} calls, in {model.trained_hit_rate:.1%} "
            f"when it was trained, bound {least:.1%}"
        )
        found.append((words, now.hit_rate >= least))
    if now.brier is not None and model.trained_brier is not None and now.stated >= settings.min_calls:
        most = model.trained_brier + settings.max_brier_rise
        words = (
            f"its Brier score is {now.brier:.4f} over {now.stated} forecasts, {model.trained_brier:.4f} when it was "
            f"trained, bound {most:.4f}"
        )
        found.append((words, now.brier <= most))
    return found
