"""The envelope of a chat completion, read with tolerance for faulty endpoints and for content in parts."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

import msgspec

from services.llm.calling.calls import TokenUsage, Unusable

_MAX_NAME_LENGTH = 100
_ERROR_STATUSES = range(400, 600)
_Tokens = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
# Parts of other types are thinking, pictures and the like.
_TEXTS = frozenset({None, "text", "output_text"})


class _Part(msgspec.Struct):
    type: str | None = None
    text: str | None = None
    refusal: str | None = None


class _Message(msgspec.Struct):
    content: str | list[_Part] | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Envelope(msgspec.Struct):
    choices: list[_Choice] | None = None
    model: str | None = None


class _InputDetails(msgspec.Struct):
    cached_tokens: _Tokens | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: _Tokens
    completion_tokens: _Tokens
    total_tokens: _Tokens | None = None
    prompt_tokens_details: _InputDetails | None = None


class _Billed(msgspec.Struct):
    usage: _Usage | None = None


class _ErrorReply(msgspec.Struct):
    error: Any = None
    choices: Any = None
    usage: Any = None


class Envelope(msgspec.Struct, frozen=True):
    """The content of an envelope; where it cannot be read, only `unusable` is set."""

    content: str | None = None
    refusal: str | None = None
    finish_reason: str | None = None
    model: str | None = None
    unusable: Unusable | None = None


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_BILLED = msgspec.json.Decoder(_Billed)
_ERROR_REPLY = msgspec.json.Decoder(_ErrorReply)
# The decoder's own errors, text that is no UTF-8, and JSON that is nested without end.
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def refusal_of(body: bytes) -> tuple[int, Any] | None:
    """Return status and `error` of a reply that is an error in spite of its status 200, None for any other.

    OpenRouter names the status in `code`; without one the request counts as refused (400).
    """
    try:
        reply = _ERROR_REPLY.decode(body)
    except _UNREADABLE:
        return None
    if not reply.error or reply.choices or reply.usage:
        return None
    code = reply.error.get("code") if isinstance(reply.error, dict) else None
    return code if isinstance(code, int) and code in _ERROR_STATUSES else HTTPStatus.BAD_REQUEST, reply.error


def usage_of(body: bytes) -> TokenUsage | None:
    """Return the tokens that a reply was billed for, or None without credible numbers.

    Google and xAI count the tokens of the thinking in the total alone; OpenAI counts them in the completion too.
    """
    try:
        usage = _BILLED.decode(body).usage
    except _UNREADABLE:
        return None
    if usage is None:
        return None
    details = usage.prompt_tokens_details
    cached = (details.cached_tokens if details else None) or 0
    output = max(usage.completion_tokens, (usage.total_tokens or 0) - usage.prompt_tokens)
    return TokenUsage(usage.prompt_tokens, cached, output) if cached <= usage.prompt_tokens else None


def read_envelope(body: bytes) -> Envelope:
    """Return the content of the reply's first choice."""
    try:
        envelope = _ENVELOPE.decode(body)
    except _UNREADABLE:
        return Envelope(unusable=Unusable.MALFORMED)
    model = envelope.model[:_MAX_NAME_LENGTH] if envelope.model else None
    if not envelope.choices:
        return Envelope(model=model, unusable=Unusable.EMPTY)
    choice = envelope.choices[0]
    content, refusal = _said(choice.message)
    unusable = _unusable(content, refusal, choice.finish_reason)
    return Envelope(content, refusal, choice.finish_reason, model, unusable)


def _said(message: _Message) -> tuple[str | None, str | None]:
    """Return content and refusal, each None where there is none; both may come in parts."""
    content, refusal = message.content, message.refusal
    if isinstance(content, list):
        refusal = refusal or "".join(part.refusal or "" for part in content) or None
        content = "".join(part.text or "" for part in content if part.type in _TEXTS) or None
    return content, refusal


def _unusable(content: str | None, refusal: str | None, finish_reason: str | None) -> Unusable | None:
    if refusal:
        return Unusable.REFUSAL
    if finish_reason == "length":
        return Unusable.LENGTH
    if finish_reason == "content_filter":
        return Unusable.FILTERED
    return None if (content or "").strip() else Unusable.EMPTY
