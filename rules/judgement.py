"""The judgement of a market by the rules, made once per analysis for rules, LLM and blend."""

from __future__ import annotations

from dataclasses import dataclass

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
        view: The same, blended with the model where it has a share.
        verdict: The signal of `view`, its confidence and its ground.
    """

    context: MarketContext
    rules: TrendView
    view: TrendView
    verdict: Verdict


def judge(context: MarketContext) -> Judgement:
    """Return the judgement of a market; equal contexts are judged equally."""
    rules = view_trend(context)
    view = blend(rules, context.forecast, context.model_weight)
    return Judgement(context, rules, view, decide(context, view))
