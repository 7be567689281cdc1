"""Refusals of the service."""

from __future__ import annotations

import httpx2


class Problem(Exception):
    """The service refused: `detail` is for a person, `request_id` finds it in the service's log."""

    def __init__(self, status: int, detail: str, request_id: str, retry_after_seconds: int | None) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds


def problem_of(response: httpx2.Response) -> Problem:
    """Return the problem in a response, also if a proxy answered for the service."""
    detail = response.reason_phrase
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        detail = response.json()["detail"]
    retry = response.headers.get("retry-after", "")
    return Problem(
        response.status_code,
        detail,
        response.headers.get("x-request-id", ""),
        int(retry) if retry.isdecimal() else None,
    )
