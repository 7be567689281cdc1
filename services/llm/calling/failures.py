"""Meaning of an error status for the key, the model and the request, for any endpoint."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from services.llm.calling.key_ring import CallOutcome

# https://platform.openai.com/docs/guides/error-codes, and the codes of organizations and projects
_QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "billing_hard_limit_reached",
    }
)
_TRANSIENT = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY})
# Ollama says an error in one sentence instead of an object; an HTML page is longer than that.
_MAX_PLAIN_ERROR = 200
# Of an error reply that are searched for a parameter.
_MAX_WORDS = 2_000
_ABOUT_THE_FORMAT = re.compile(r"response_format|json_schema|json_object|structured output", re.IGNORECASE)
# Parameters that some models do not take, or take with other values alone.
_PARAMETERS = ("max_tokens", "max_completion_tokens", "temperature", "reasoning_effort")
_PARAMETER = re.compile("|".join(rf"\b{name}\b" for name in _PARAMETERS))
_NOT_TAKEN = re.compile(
    r"not support|unsupported|unrecognized|unknown|unexpected|extra_forbidden|extra inputs", re.IGNORECASE
)


@dataclass(frozen=True)
class Failure:
    """A call without a reply.

    Attributes:
        outcome: Its meaning for the key.
        detail: For the log: the kind of error and its code, never the endpoint's own words,
            which may repeat a part of the key.
        retry_after_seconds: The rest that the endpoint asked for, None when it named none.
        parameter: Of the request, which the model does not take.
    """

    outcome: CallOutcome
    detail: str
    retry_after_seconds: float | None = None
    parameter: str | None = None


def outcome_of(status: int, error: object) -> CallOutcome:
    """Return what an error reply means.

    Args:
        status: Its HTTP status, no success.
        error: The `error` object of its body, or another value in its place.
    """
    fields: dict[str, Any] = error if isinstance(error, dict) else {}
    code = fields.get("code")
    message = str(fields.get("message", "")) if fields else str(error)
    if len(message) > _MAX_PLAIN_ERROR and not fields:
        message = ""
    if code == "model_not_found" or (status == HTTPStatus.NOT_FOUND and "model" in message.lower()):
        return CallOutcome.MODEL_UNKNOWN
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return CallOutcome.UNAUTHORIZED
        case HTTPStatus.PAYMENT_REQUIRED:
            return CallOutcome.QUOTA
        case HTTPStatus.FORBIDDEN:
            return CallOutcome.FORBIDDEN
        case HTTPStatus.TOO_MANY_REQUESTS:
            codes = {str(code), str(fields.get("type"))}
            return CallOutcome.QUOTA if codes & _QUOTA_CODES else CallOutcome.RATE_LIMITED
        case HTTPStatus.BAD_REQUEST | HTTPStatus.UNPROCESSABLE_ENTITY:
            if _ABOUT_THE_FORMAT.search(f"{fields.get('param')} {message}"):
                return CallOutcome.FORMAT_REFUSED
            return CallOutcome.PARAMETER_REFUSED if refused_parameter(error) else CallOutcome.BAD_REQUEST
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _TRANSIENT:
        return CallOutcome.SERVER_ERROR
    return CallOutcome.BAD_REQUEST


def refused_parameter(error: object) -> str | None:
    """Return the parameter of the request that an error reply refuses, of those that some models do not take.

    Args:
        error: As in `outcome_of`, of a reply that refuses the request.
    """
    fields: dict[str, Any] = error if isinstance(error, dict) else {}
    if (named := fields.get("param")) in _PARAMETERS:
        return str(named)
    words = str(error)[:_MAX_WORDS]
    found = _PARAMETER.search(words) if _NOT_TAKEN.search(words) else None
    return found[0] if found else None
