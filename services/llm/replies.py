"""Replies read as their schema: tolerant of what surrounds them and of how numbers are written, strict in the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from config.errors.needs import need_of
from domain.errors import LlmUnavailable
from services.llm.calling.calls import ReplySchema
from services.llm.calling.reply_objects import objects_in
from services.llm.client_text import clean_text

T = TypeVar("T")
# The reason in metrics and answers when a reply does not fit its schema.
INVALID_REPLY = "invalid_reply"
MIN_REASONING = 10
MAX_REASONING = 2_000
# Up to here a number over 1 may be a mistake as well as a percentage.
LEAST_PERCENTAGE = 10
_PERCENT_SIGNS = ("%", "percent")
# A comma is a decimal point, unless it separates thousands.
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+(?:[.,][0-9]+)?|[.,][0-9]+)(?:[eE][-+]?[0-9]+)?")
_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?")

# Between spaces or before a figure; elsewhere they may belong to a tag.
_COMPARISONS = [
    (re.compile(rf"(?<=\s){sign}=?(?=\s)|{sign}=?\s*(?=[-+\u2212]?\d)"), word)
    for sign, word in ((">", "above"), ("<", "below"))
]


def _number(value: Any) -> Any:
    """Read a number that is written as a string, such as "0.7", "0,7" and "42,000.50"."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if _THOUSANDS.fullmatch(text):
        return float(text.replace(",", ""))
    return float(text.replace(",", ".")) if _DECIMAL.fullmatch(text) else value


def _share(value: Any) -> Any:
    """Read a number with a percent sign, and one over `LEAST_PERCENTAGE` and up to 100, as a percentage."""
    text = value.strip() if isinstance(value, str) else ""
    for sign in _PERCENT_SIGNS:
        if text.endswith(sign):
            number = _number(text.removesuffix(sign))
            return number / 100 if isinstance(number, float) else value
    number = _number(value)
    if isinstance(number, (int, float)) and not isinstance(number, bool) and LEAST_PERCENTAGE < number <= 100:
        return number / 100
    return number


def _between_0_and_1(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError("has to be between 0 and 1")
    return value


def word_of(words: Mapping[str, T], value: Any, need: str) -> T:
    """Return the meaning of a word in any case.

    Args:
        words: Meanings of words in lower case.
        value: Of a reply.
        need: What is refused with.

    Raises:
        ValueError: it is none of the words.
    """
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in words:
        raise ValueError(need)
    return words[word]


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


Number = Annotated[float, BeforeValidator(_number)]
Share = Annotated[float, BeforeValidator(_share), AfterValidator(_between_0_and_1)]
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
    """Return the reply: the last JSON object in the content that fits its schema.

    Raises:
        LlmUnavailable: there is none; of the content nothing is repeated.
    """
    names = reply.model_fields.keys()
    objects = objects_in(content, names)
    whole = [fields for fields in reversed(objects) if names <= fields.keys()]
    # Where none is whole, the refusal names what the nearest one lacks; of a part of the object it has no key.
    nearest = sorted((fields for fields in objects if names & fields.keys()), key=lambda f: len(names - f.keys()))[:1]
    refusals = ["there is no whole JSON object in it"]
    for fields in whole or nearest:
        try:
            return reply.model_validate(fields)
        except ValidationError as error:
            refusals.append(_why(reply, error))
    raise LlmUnavailable(f"the LLM's reply is no answer: {refusals[:2][-1]}", INVALID_REPLY)


def _why(reply: type[ReplyModel], error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    known = [str(part) for part in first["loc"] if isinstance(part, int) or part in reply.model_fields]
    where = ".".join(known) or "the reply"
    return f"{where}: {need_of(first)}"
