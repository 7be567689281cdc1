"""Replies read as their schema: tolerant of percentages and fences, strict with everything else."""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from domain.errors import LlmUnavailable
from services.llm.calling.calls import ReplySchema
from services.llm.client_text import clean_text

# The reason in metrics and answers when a reply does not fit its schema.
INVALID_REPLY = "invalid_reply"
MIN_REASONING = 10
MAX_REASONING = 2_000
# One fence around the whole reply, which many models add.
_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*)\n\s*```\s*\Z", re.DOTALL | re.IGNORECASE)

# Between spaces or before a figure; elsewhere they may belong to a tag.
_COMPARISONS = [
    (re.compile(rf"(?<=\s){sign}=?(?=\s)|{sign}=?\s*(?=[-+\u2212]?\d)"), word)
    for sign, word in ((">", "above"), ("<", "below"))
]


def _percentage(value: Any) -> Any:
    """Read a number over 1 and up to 100 as a percentage."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 1 < value <= 100:
        return value / 100
    return value


def _between_0_and_1(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError("has to be between 0 and 1")
    return value


def plain_words(text: str, max_length: int) -> str:
    """Return a cleaned text of the LLM; signs of comparison become words, since angle brackets are removed."""
    for sign, word in _COMPARISONS:
        text = sign.sub(f" {word} ", text)
    return clean_text(text, max_length)


def _prose(text: str) -> str:
    text = plain_words(text, MAX_REASONING)
    if len(text) < MIN_REASONING:
        raise ValueError(f"needs {MIN_REASONING} characters")
    return text


Share = Annotated[float, BeforeValidator(_percentage), AfterValidator(_between_0_and_1)]
Prose = Annotated[str, AfterValidator(_prose)]


class ReplyModel(BaseModel):
    """Strict types and finite numbers; every key is required, unknown keys are ignored."""

    model_config = ConfigDict(
        strict=True, extra="ignore", allow_inf_nan=False, json_schema_extra={"additionalProperties": False}
    )


Reply = TypeVar("Reply", bound=ReplyModel)


def schema_of(reply: type[ReplyModel], name: str) -> ReplySchema:
    """Return the JSON schema of a reply in the form of OpenAI's strict mode."""
    return ReplySchema(name, reply.model_json_schema())


def read_reply(reply: type[Reply], content: str) -> Reply:
    """Return the reply: one JSON object that fits, alone or within one Markdown fence.

    Raises:
        LlmUnavailable: it is no such thing; of the content nothing is repeated.
    """
    fenced = _FENCE.match(content)
    try:
        return reply.model_validate_json(fenced.group(1) if fenced else content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        known = [str(part) for part in first["loc"] if isinstance(part, int) or part in reply.model_fields]
        where = ".".join(known) or "the reply"
        raise LlmUnavailable(f"the LLM's reply is no answer: {where}: {first['type']}", INVALID_REPLY) from None
