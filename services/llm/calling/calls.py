"""Requests to the LLM, their replies, and the calls in the books."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.errors import LlmUnavailable

# Why no call was made, beside the outcomes of calls and of replies.
NO_READY_KEY = "no_key"
OVER_BUDGET = "budget"
ASKED_ELSEWHERE = "asked_elsewhere"


@dataclass(frozen=True)
class ReplySchema:
    """The JSON schema that a reply has to match, in the subset that OpenAI's strict mode takes.

    Every object lists all of its properties as required and forbids others.
    """

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class LlmRequest:
    """One question.

    Attributes:
        system: The instructions.
        user: The facts, as data.
        reply_schema: None for a reply in plain words.
        purpose: One word by which statistics are kept.
        symbol: Market of the question, None without one.
    """

    system: str
    user: str
    reply_schema: ReplySchema | None
    purpose: str
    symbol: str | None = None


@dataclass(frozen=True)
class TokenUsage:
    """Tokens as the endpoint counted them; the cached ones are among the input, 0 <= cached <= input."""

    input: int
    cached_input: int
    output: int


class Unusable(StrEnum):
    """Why a reply that was paid for is no answer."""

    # the model declined, reached the token limit, or was stopped by a filter
    REFUSAL = "refusal"
    LENGTH = "length"
    FILTERED = "filtered"
    EMPTY = "empty"
    # the envelope: not the JSON of the protocol, cut off, over the size limit
    MALFORMED = "malformed"
    BROKEN_OFF = "broken_off"
    TOO_LARGE = "too_large"
    # it contains one of our keys
    KEY_ECHOED = "key_echoed"


_IN_WORDS = {
    Unusable.REFUSAL: "the model declined",
    Unusable.LENGTH: "the limit of tokens cut it short",
    Unusable.FILTERED: "a filter stopped it",
    Unusable.EMPTY: "it is empty",
    Unusable.MALFORMED: "it is not in OpenAI's protocol",
    Unusable.BROKEN_OFF: "it broke off",
    Unusable.TOO_LARGE: "it is too large",
    Unusable.KEY_ECHOED: "a key stands in it",
}


@dataclass(frozen=True)
class Completion:
    """A raw reply that was paid for: nothing in `content` has been checked.

    Attributes:
        content: The text; None without one, or where it cannot be read.
        usage: None when the endpoint did not report it; the cost is then unknown, not zero.
        model: The model that was asked.
        model_answered: The model that the endpoint names, None when it names none.
        request_id: The endpoint's own, for its support.
        key_number: From 1, in the order of the configuration.
        unusable: Why it is no answer, None when it may be one.
    """

    content: str | None
    usage: TokenUsage | None
    model: str
    model_answered: str | None
    finish_reason: str | None
    refusal: str | None
    unusable: Unusable | None
    latency_seconds: float
    key_number: int
    request_id: str | None

    @property
    def text(self) -> str:
        """The content of a reply that may be an answer.

        Raises:
            LlmUnavailable: it is empty, cut off or refused.
        """
        if self.unusable or self.content is None:
            why = self.unusable or Unusable.EMPTY
            raise LlmUnavailable(f"the LLM's reply is no answer: {_IN_WORDS[why]}", why.value)
        return self.content


@dataclass(frozen=True)
class CallEstimate:
    """An upper estimate of what a call will use, for the budget."""

    model: str
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class LlmCall:
    """A reply for the books: every one that the endpoint began, before it is judged.

    Attributes:
        at: Aware UTC time of its end.
        usage: None when unknown; the cost is then unknown too.
        estimate: Greatest expected use.
    """

    at: datetime
    purpose: str
    symbol: str | None
    model: str
    model_answered: str | None
    usage: TokenUsage | None
    latency_seconds: float
    key_number: int
    request_id: str | None
    estimate: CallEstimate


Book = Callable[[LlmCall], None]
# Returns why the call must not be made, for a person, or None when it may.
Allow = Callable[[CallEstimate], str | None]
# Counts the estimate as spent while the call is made, so that calls at the same moment do not overshoot together. It
# raises `LlmUnavailable` where calls of other replicas leave no room for it.
Reserve = Callable[[CallEstimate], AbstractAsyncContextManager[None]]
