"""Refusals of the service."""

from __future__ import annotations

import httpx2
from pydantic import BaseModel, ValidationError


class _Document(BaseModel):
    detail: str


class Problem(Exception):
    """The service refused: `detail` is for a person, `request_id` finds it in the service's log.

    An answer that no service of this kind gives, such as a proxy's page, is a problem too, of whatever status it has.
    """

    def __init__(self, status: int, detail: str, request_id: str, retry_after_seconds: int | None) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds


def problem_of(response: httpx2.Response) -> Problem:
    """Return the problem in a response, also if a proxy answered for the service."""
    try:
        detail = _Document.model_validate_json(response.content).detail
    except ValidationError:
        detail = response.reason_phrase
    return _problem(response, detail)


def unknown_answer(response: httpx2.Response) -> Problem:
    """Return the problem of an answer of success that is not the one of the call."""
    kind = response.headers.get("content-type", "no content type")
    detail = f"the answer ({kind}) is not that of the service's {response.request.url.path}: is this its address?"
    return _problem(response, detail)


def _problem(response: httpx2.Response, detail: str) -> Problem:
    retry = response.headers.get("retry-after", "")
    return Problem(
        response.status_code,
        detail,
        response.headers.get("x-request-id", ""),
        int(retry) if retry.isdecimal() else None,
    )
