"""Requests for jobs through HTTP, as an operator makes them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from benchmarks.http_client import HttpConnection, request_bytes

TOKEN = "token-of-the-benchmarks"  # noqa: S105
LOOK_SECONDS = 0.02
PATIENCE_SECONDS = 120.0


class NotAccepted(Exception):
    """The service has refused a job."""


async def submit(connection: HttpConnection, kind: str, parameters: dict[str, Any]) -> str:
    """Queue a job and return its id.

    Raises:
        NotAccepted: with the answer.
    """
    request = request_bytes("POST", f"/jobs/{kind}", json.dumps(parameters).encode(), TOKEN)
    head, body = await connection.ask(request)
    if b" 202 " not in head[:16]:
        raise NotAccepted(f"{body[:400]!r}")
    job_id: str = json.loads(body)["job_id"]
    return job_id


async def until(connection: HttpConnection, job_id: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return the job once this holds of it, or once it has ended.

    Raises:
        TimeoutError: neither came in two minutes.
    """
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            job: dict[str, Any] = json.loads(await connection.send(request_bytes("GET", f"/jobs/{job_id}", b"", TOKEN)))
            if holds(job) or job["finished_at"] is not None:
                return job
            await asyncio.sleep(LOOK_SECONDS)
