"""One GET request to a source of candles, bounded in size, every failure of it in one word."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

import httpx2

from domain.errors import MarketDataUnavailable

# Yahoo answers 429 to whoever does not say that it is like a browser.
_USER_AGENT = "Mozilla/5.0 (compatible; trading-signal-service)"

# 1000 candles of the most talkative source are about 300 KB.
MAX_ANSWER_BYTES = 2 * 1024 * 1024

# Long enough that a cycle over all symbols meets a dead source once, short enough to heal unnoticed.
REST_SECONDS = 30.0

# 418 is Binance's answer to who goes on after a 429.
_TOO_MANY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.IM_A_TEAPOT})
_RATE_LIMIT_REST_SECONDS = 60.0
# Binance's longest ban; a source that asks for more is asked again after it.
_MAX_REST_SECONDS = 3 * 86_400.0


class SourceFailed(MarketDataUnavailable):
    """The source itself is in trouble, whatever market it was asked for.

    Attributes:
        rest_seconds: How long it must not be asked again, >= 0.
    """

    def __init__(self, message: str, rest_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.rest_seconds = rest_seconds


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
            than `MAX_ANSWER_BYTES`. Rate limits carry the rest that the source asks for.
    """
    # Uncompressed, so that the bytes counted are the bytes in memory.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": _USER_AGENT}
    try:
        async with client.stream("GET", url, params=parameters, headers=headers) as response:
            if response.status_code != HTTPStatus.OK and response.status_code not in understood:
                raise SourceFailed(f"answered with status {response.status_code}", _asked_rest_seconds(response))
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


def _asked_rest_seconds(response: httpx2.Response) -> float:
    """Return the Retry-After of a reply; a rate limit without a readable one asks for a minute."""
    default = _RATE_LIMIT_REST_SECONDS if response.status_code in _TOO_MANY else 0.0
    retry_after = response.headers.get("retry-after", "").strip()
    # An HTTP date is allowed too, but no source of candles sends one.
    if not (retry_after.isascii() and retry_after.isdigit()):
        return default
    return float(min(int(retry_after[:12]), _MAX_REST_SECONDS))
