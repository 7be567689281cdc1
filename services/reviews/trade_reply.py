"""The LLM's reply to a closed trade."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from services.llm.replies import Prose, ReplyModel, plain_words, schema_of

MAX_POINTS = 3
MAX_POINT = 300


def _points(texts: list[str]) -> list[str]:
    """Take the first few points that say something."""
    return [point for text in texts if (point := plain_words(text, MAX_POINT))][:MAX_POINTS]


Points = Annotated[list[str], AfterValidator(_points)]


class TradeReply(ReplyModel):
    """The reply of the model to a trade."""

    summary: Prose
    what_went_well: Points
    what_went_wrong: Points
    lessons: Points


TRADE_SCHEMA = schema_of(TradeReply, "trade_review")
