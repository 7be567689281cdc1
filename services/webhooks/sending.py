"""One signed POST to a receiver."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

import httpx2
from pydantic import SecretStr

from utils.retry_after import retry_after_seconds

# Statuses of a receiver that is busy or starting: another delivery would fail too.
_BUSY = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
# Bytes of an answer that are read, so that the connection can be used again.
_MAX_ANSWER_BYTES = 65_536
SIGNATURE_HEADER = "X-Signature"
DELIVERY_HEADER = "X-Delivery"


@dataclass(frozen=True)
class SendFailure:
    """Why an attempt failed.

    Attributes:
        reason: Free of addresses.
        unreachable: Whether the receiver as a whole fails, not this delivery alone.
        rest_seconds: Pause that the receiver asked for; 0 without one.
    """

    reason: str
    unreachable: bool
    rest_seconds: float = 0.0


def sign(secret: SecretStr, body: bytes) -> str:
    """Return the value of `X-Signature`: HMAC-SHA256 (RFC 2104) of the raw body, in hexadecimal digits."""
    return "sha256=" + hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()


async def send(
    client: httpx2.AsyncClient,
    url: str,
    body: bytes,
    delivery_id: str,
    *,
    secret: SecretStr,
    timeout_seconds: float,
) -> SendFailure | None:
    """Post a body with its signature and the id of its delivery; return why that failed, None where it did not.

    Only a status of 200 to 299 counts as delivered; redirections are not followed.
    """
    headers = {
        "Content-Type": "application/json",
        SIGNATURE_HEADER: sign(secret, body),
        DELIVERY_HEADER: delivery_id,
        "User-Agent": "trading-signal-service",
        "Accept-Encoding": "identity",
    }
    status, asked, failure = None, 0.0, ""
    try:
        async with (
            asyncio.timeout(timeout_seconds),
            client.stream("POST", url, content=body, headers=headers) as response,
        ):
            status = response.status_code
            asked = retry_after_seconds(response.headers, datetime.now(UTC)) or 0.0
            await _read(response)
    except (TimeoutError, httpx2.TimeoutException):
        failure = f"did not answer in {timeout_seconds:g} s"
    except httpx2.RequestError:
        failure = "cannot be reached"
    # Once the status has come, an answer that breaks off or does not end changes nothing.
    if status is None:
        return SendFailure(failure, unreachable=True)
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    return SendFailure(f"answered with status {status}", unreachable=status in _BUSY, rest_seconds=asked)


async def _read(response: httpx2.Response) -> None:
    read = 0
    async for chunk in response.aiter_raw():
        read += len(chunk)
        if read > _MAX_ANSWER_BYTES:
            return
