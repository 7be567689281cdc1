"""One GET request to a source of candles, bounded in size; every failure is a `SourceFailed`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import NamedTuple

import httpx2

from domain.errors import MarketDataUnavailable
from utils.retry_after import retry_after_seconds

# Yahoo answers 429 to clients that do not look like a browser.
_USER_AGENT = "Mozilla/5.0 (compatible; trading-signal-service)"

# 1000 candles of the most verbose source take about 300 KB.
MAX_ANSWER_BYTES = 2 * 1024 * 1024

# A cycle over all symbols asks a dead source once, and a source that is back is soon used again.
REST_SECONDS = 30.0

# Binance answers 418 to clients that go on after a 429.
_TOO_MANY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.IM_A_TEAPOT})
_RATE_LIMIT_REST_SECONDS = 60.0
# Binance's longest ban; a source that asks for more is asked again after it.
_MAX_REST_SECONDS = 3 * 86_400.0


class SourceFailed(MarketDataUnavailable):
    """The source itself fails, for every market.

    Attributes:
        rest_seconds: Pause before the next request, >= 0.
    """

    def __init__(self, message: str, rest_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.rest_seconds = rest_seconds


class SourceBusy(SourceFailed):
    """The source asks to be left alone for `rest_seconds`."""


class FetchedReply(NamedTuple):
    """HTTP status, the bytes of the body and the headers."""

    status: int
    body: bytes
    headers: Mapping[str, str]


async def fetch(
    client: httpx2.AsyncClient, url: str, parameters: Mapping[str, str | int], understood: frozenset[int]
) -> FetchedReply:
    """Return the reply to a GET request when its status is 200 or one of `understood`.

    Raises:
        SourceFailed: no connection, no answer in the client's time, another status, or more
            than `MAX_ANSWER_BYTES`.
        SourceBusy: a rate limit, or another status with a `Retry-After`.
    """
    # Uncompressed, so that the counted bytes are the bytes in memory.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": _USER_AGENT}
    try:
        async with client.stream("GET", url, params=parameters, headers=headers) as response:
            if response.status_code != HTTPStatus.OK and response.status_code not in understood:
                raise _refusal(response)
            return FetchedReply(response.status_code, await _bounded_body(response), response.headers)
    except httpx2.TimeoutException as error:
        raise SourceFailed("did not answer in time", REST_SECONDS) from error
    except httpx2.RequestError as error:
        raise SourceFailed("cannot be reached", REST_SECONDS) from error
    except httpx2.InvalidURL as error:
        raise SourceFailed("has an address that is no URL", REST_SECONDS) from error


async def _bounded_body(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise SourceFailed(f"answered with more than {MAX_ANSWER_BYTES} bytes")
    return bytes(body)


def _refusal(response: httpx2.Response) -> SourceFailed:
    """Return the failure of a status; a rate limit without a readable Retry-After asks for a minute."""
    message = f"answered with status {response.status_code}"
    asked = retry_after_seconds(response.headers, datetime.now(UTC))
    if asked is None and response.status_code not in _TOO_MANY:
        return SourceFailed(message)
    return SourceBusy(message, _RATE_LIMIT_REST_SECONDS if asked is None else min(asked, _MAX_REST_SECONDS))
