"""The views of rules, model and LLM of one market, side by side."""

from __future__ import annotations

from domain.values import Frozen, Share, Signal


class Lane(Frozen):
    """What rules, model or LLM say of a market by themselves.

    The probability is a model's calibrated one of a rise, null where there is none.
    """

    side: Signal
    probability: Share | None
    confidence: Share


class Lanes(Frozen):
    """Every view that was there when an analysis was made; null: the model or the LLM gave none."""

    rules: Lane
    model: Lane | None
    llm: Lane | None
