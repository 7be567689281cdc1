"""The one shape of every error answer (RFC 9457, application/problem+json)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    """One field at fault in a request."""

    field: str = Field(description="Where in the body or query, such as timeframe_data.1h.0.open.")
    message: str


class Problem(BaseModel):
    """What was wrong, for a person, and the id under which the log has it."""

    type: str
    title: str
    status: int
    detail: str
    error: str = Field(description="The same text as `detail`, for older clients.")
    request_id: str
    errors: list[FieldError] = Field(default_factory=list, description="The fields at fault, on a 422.")


_NAME_A_TIME = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_RETRY_AFTER = {"description": "Seconds until another try.", "schema": {"type": "integer", "minimum": 1}}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI entries of the problems a route may answer with."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            **({"headers": {"Retry-After": _RETRY_AFTER}} if status in _NAME_A_TIME else {}),
        }
        for status in statuses
    }
