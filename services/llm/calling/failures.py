"""Meaning of an error status for the key, the model and the request, for any endpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, get_args

from config.llm_settings import TokensParameter
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
        "billing_not_active",
        # Moonshot
        "exceeded_current_quota_error",
    }
)
# OpenAI, Groq, Azure and Mistral; other endpoints say it in words.
_MODEL_CODES = frozenset({"model_not_found", "model_decommissioned", "DeploymentNotFound", "invalid_model"})
_NO_MODEL = re.compile(
    r"invalid model\b|not a valid model|no endpoints found"
    r"|\bmodels?\b.{0,100}\b(?:not exist|not found|deprecated|decommissioned)",
    re.IGNORECASE,
)
# Google and xAI refuse a wrong key with 400.
_NO_VALID_KEY = re.compile(r"api key not valid|api key expired|(?:invalid|incorrect) api key", re.IGNORECASE)
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TRANSIENT = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY})
# Ollama says an error in one sentence instead of an object; an HTML page is longer than that.
_MAX_PLAIN_ERROR = 200
# Of an error reply that are searched for a parameter.
_MAX_WORDS = 2_000
_ABOUT_THE_FORMAT = re.compile(
    r"response[_ ]?(?:format|schema)|json[_ ]?(?:schema|object|mode)|structured[_ ]?output|grammar", re.IGNORECASE
)
# Parameters that some models do not take, or take with other values alone.
_OPTIONAL = ("temperature", "reasoning_effort")
_PARAMETER = re.compile("|".join(rf"\b{name}\b" for name in (*get_args(TokensParameter), *_OPTIONAL)))
_NOT_TAKEN = re.compile(
    r"not support|unsupported|unrecognized|unknown|unexpected|extra_forbidden|extra inputs|strictly positive",
    re.IGNORECASE,
)

IN_WORDS = {
    CallOutcome.UNAUTHORIZED: "its key is not valid",
    CallOutcome.FORBIDDEN: "its key may not be used here",
    CallOutcome.QUOTA: "its quota is used up",
    CallOutcome.RATE_LIMITED: "its rate limit is reached",
    CallOutcome.TIMEOUT: "it did not answer in time",
    CallOutcome.CONNECTION: "it cannot be reached",
    CallOutcome.SERVER_ERROR: "it reports an error of its own",
    CallOutcome.MODEL_UNKNOWN: "it knows none of the configured models",
    CallOutcome.FORMAT_REFUSED: "it refuses every form of reply",
    CallOutcome.PARAMETER_REFUSED: "it refuses a parameter of the request",
    CallOutcome.BAD_REQUEST: "it refuses the request",
}


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


def failure_of(status: int, error: object, retry_after_seconds: float | None) -> Failure:
    """Return the failure that an error reply is; its parameters are those of `outcome_of` and of `Failure`."""
    outcome, code = outcome_of(status, error), str(_fields(error).get("code"))
    return Failure(
        outcome,
        f"status {status}, {code if _CODE.fullmatch(code) else 'no code'}",
        retry_after_seconds,
        refused_parameter(error) if outcome is CallOutcome.PARAMETER_REFUSED else None,
    )


def outcome_of(status: int, error: object) -> CallOutcome:
    """Return what an error reply means.

    Args:
        status: Its HTTP status, no success.
        error: The `error` object of its body, or another value in its place.
    """
    fields = _fields(error)
    message = str(fields.get("message", "")) if fields else str(error)
    if len(message) > _MAX_PLAIN_ERROR and not fields:
        message = ""
    codes = {str(fields.get("code")), str(fields.get("type"))}
    if codes & _MODEL_CODES or (status == HTTPStatus.NOT_FOUND and "model" in message.lower()):
        return CallOutcome.MODEL_UNKNOWN
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return CallOutcome.UNAUTHORIZED
        case HTTPStatus.PAYMENT_REQUIRED:
            return CallOutcome.QUOTA
        case HTTPStatus.FORBIDDEN:
            return CallOutcome.FORBIDDEN
        case HTTPStatus.TOO_MANY_REQUESTS:
            return CallOutcome.QUOTA if codes & _QUOTA_CODES else CallOutcome.RATE_LIMITED
        case HTTPStatus.BAD_REQUEST | HTTPStatus.UNPROCESSABLE_ENTITY | HTTPStatus.NOT_FOUND:
            return _of_a_refused_request(fields, message, error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _TRANSIENT:
        return CallOutcome.SERVER_ERROR
    return CallOutcome.BAD_REQUEST


def _of_a_refused_request(fields: Mapping[str, Any], message: str, error: object) -> CallOutcome:
    if _NO_VALID_KEY.search(message):
        return CallOutcome.UNAUTHORIZED
    if _ABOUT_THE_FORMAT.search(f"{fields.get('param')} {message}"):
        return CallOutcome.FORMAT_REFUSED
    if refused_parameter(error):
        return CallOutcome.PARAMETER_REFUSED
    return CallOutcome.MODEL_UNKNOWN if _NO_MODEL.search(message) else CallOutcome.BAD_REQUEST


def refused_parameter(error: object) -> str | None:
    """Return the parameter of the request that an error reply refuses, of those that some models do not take.

    A limit of the tokens that is only too high is none of them.

    Args:
        error: As in `outcome_of`, of a reply that refuses the request.
    """
    named = _fields(error).get("param")
    if named in _OPTIONAL:
        return str(named)
    words = str(error)[:_MAX_WORDS]
    if not _NOT_TAKEN.search(words):
        return None
    found = _PARAMETER.search(str(named)) or _PARAMETER.search(words)
    return found[0] if found else None


def _fields(error: object) -> Mapping[str, Any]:
    """Return the fields of an error; Google sends it in a list, under another `error`."""
    match error:
        case [{"error": dict() as fields}, *_] | (dict() as fields):
            return fields
    return {}
