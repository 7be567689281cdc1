"""The judgement of a market by the rules, made once per analysis for rules, LLM and blend."""

from __future__ import annotations

from dataclasses import dataclass, replace

from domain.trading.lanes import Lane, Lanes
from rules.blending import blend
from rules.context import MarketContext
from rules.direction import TrendView, view_trend
from rules.verdict import Verdict, decide


@dataclass(frozen=True)
class Judgement:
    """A market, read and judged.

    Attributes:
        context: The market as it was read.
        rules: Direction and agreement of the timeframes by the rules alone.
        by_rules: The signal of `rules`, its confidence and its ground.
        view: As `rules`, blended with the model where it has a share.
        verdict: The same of `view`.
    """

    context: MarketContext
    rules: TrendView
    by_rules: Verdict
    view: TrendView
    verdict: Verdict

    @property
    def unblended(self) -> Judgement:
        """The judgement by the rules alone."""
        return replace(self, view=self.rules, verdict=self.by_rules)

    @property
    def lanes(self) -> Lanes:
        """What rules and model say by themselves; the LLM has not been asked."""
        forecast = self.context.forecast
        model = forecast and Lane(
            side=forecast.signal, probability=forecast.probability_up, confidence=forecast.confidence
        )
        rules = Lane(side=self.by_rules.signal, probability=None, confidence=round(self.by_rules.confidence, 4))
        return Lanes(rules=rules, model=model, llm=None)


def judge(context: MarketContext) -> Judgement:
    """Return the judgement of a market; equal contexts are judged equally."""
    rules = view_trend(context)
    view = blend(rules, context.forecast, context.model_weight)
    by_rules = decide(context, rules)
    return Judgement(context, rules, by_rules, view, decide(context, view) if view.blended else by_rules)
