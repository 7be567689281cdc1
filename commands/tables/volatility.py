"""Expected moves and volatility of forecasts, its skill, and how bands of prices held, in words and as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from rich.console import Group

from commands.tables.figures import markdown_lines, whole_lines
from domain.forecasting import Forecast, VolatilitySkill

if TYPE_CHECKING:
    from services.training.default_volatility import MarketBands, StepSkill

_SKILLS = ("steps", "forecasts", "QLIKE", "QLIKE, last 20 candles", "skill")
_BANDS = ("market", "forecasts", "held at 1 step", "at 4", "at 12", "at 24", "at 30", "all steps")
_SHOWN = (1, 4, 12, 24, 30)


def move_facts(forecast: Forecast) -> dict[str, str]:
    """Return how far the price is expected to move: by horizon where the model says so, and its volatility."""
    facts = {}
    for name in ("returns", "drawdowns", "rallies"):
        values: Mapping[int, float] = getattr(forecast, f"expected_{name}")
        if values:
            facts[f"expected {name}"] = ", ".join(f"{value:+.3%} in {ahead}" for ahead, value in values.items())
    if volatility := forecast.volatility_forecast:
        plain = f"{volatility.deviation:.3%} forecast, {volatility.last_20_candles:.3%} by the last 20 candles"
        facts["volatility"] = f"{plain}; {skill_in_words(volatility.skill)}" if volatility.skill else plain
    return facts


def skill_in_words(skill: VolatilitySkill) -> str:
    """Return how much better than the last 20 candles volatility was forecast."""
    return f"loss {_share(skill)} below that of the last 20 candles, n = {skill.predictions:,}"


def built_volatility(skills: Iterable[StepSkill], bands: Iterable[MarketBands]) -> Group:
    """Return skill and bands out of sample, as two tables of Markdown."""
    skilled = [
        (
            str(step.step),
            f"{step.skill.predictions:,}",
            f"{step.skill.loss:.4f}",
            f"{step.skill.last_20_loss:.4f}",
            _share(step.skill),
        )
        for step in skills
    ]
    held = [
        (band.market, f"{band.count:,}", *(f"{band.held[step - 1]:.3f}" for step in _SHOWN), f"{band.held.mean():.3f}")
        for band in bands
    ]
    return Group(*whole_lines([*markdown_lines(_SKILLS, skilled), "", *markdown_lines(_BANDS, held)]))


def _share(skill: VolatilitySkill) -> str:
    ends = f" [{skill.low:.1%}, {skill.high:.1%}]" if skill.low is not None and skill.high is not None else ""
    return f"{skill.skill:.1%}{ends}"
