"""One HTTP request to an OpenAI-compatible endpoint; the only module that knows the `openai` package.

A service without a key must not import it: it takes 48 MB of memory and 0.4 s.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx2
import openai
from openai import AsyncOpenAI

from config.llm_settings import LlmSettings
from services.llm.calling.calls import Unusable
from services.llm.calling.envelope import refusal_of
from services.llm.calling.failures import Failure, failure_of
from services.llm.calling.key_ring import CallOutcome
from utils import metrics
from utils.clock import Clock
from utils.http_client import http_client
from utils.retry_after import retry_after_seconds
from utils.tracing import span

OPENAI_URL = "https://api.openai.com/v1"
CONNECT_SECONDS = 5.0
MAX_ERROR_BYTES = 65_536
# For endpoints that need no key; the protocol always sends one.
NO_KEY = "no-key"

_REQUEST_ID = re.compile(r"[\w.:-]{1,100}", re.ASCII)


@dataclass(frozen=True)
class RawReply:
    """A reply that the endpoint began, and therefore bills.

    Attributes:
        body: The envelope, as far as it was received.
        unusable: Set when the body is not whole.
    """

    body: bytes
    request_id: str | None
    unusable: Unusable | None


class Endpoint:
    """Sends requests through one pool of connections, each with its own key."""

    def __init__(self, settings: LlmSettings, clock: Clock) -> None:
        """Make the clients; nothing is sent yet."""
        self._clock = clock
        self._max_reply_bytes = settings.max_reply_bytes
        self._http = http_client(
            timeout=httpx2.Timeout(settings.call_timeout_seconds, connect=CONNECT_SECONDS),
            # Uncompressed, so that the bytes counted are the bytes in memory.
            headers={"Accept-Encoding": "identity"},
            # A redirect could send a key to another host.
            follow_redirects=False,
            event_hooks={"response": [self._bound]},
        )
        self._secret_keys = settings.secret_keys
        keys = [key.get_secret_value() for key in settings.keys] or [NO_KEY]
        client = AsyncOpenAI(
            api_key=keys[0], base_url=settings.base_url or OPENAI_URL, max_retries=0, http_client=self._http
        )
        # Created now, since the package imports its types on first use.
        self._asking = [
            client.with_options(api_key=key).chat.completions.with_streaming_response.create for key in keys
        ]

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, key_number: int, payload: Mapping[str, Any], timeout_seconds: float) -> RawReply | Failure:
        """Request a chat completion and return its outcome within the time limit.

        Args:
            key_number: From 1.
            payload: The request's body.
            timeout_seconds: For all of it; the HTTP client's own limit is per read.
        """
        metrics.OPENAI_REQUESTS.inc()
        with span("LLM call", model=str(payload["model"]), key=key_number) as step:
            answer = await self._sent(key_number, payload, timeout_seconds)
            if isinstance(answer, Failure):
                step.fail(answer.outcome.value)
        if isinstance(answer, Failure):
            metrics.OPENAI_ERRORS.labels(answer.outcome.value).inc()
            if answer.outcome in {CallOutcome.RATE_LIMITED, CallOutcome.QUOTA}:
                metrics.OPENAI_RATE_LIMIT_ERRORS.inc()
        return answer

    async def _sent(self, key_number: int, payload: Mapping[str, Any], timeout_seconds: float) -> RawReply | Failure:
        # The request id of a reply that has begun, in a list until then empty.
        begun: list[str | None] = []
        body = bytearray()
        try:
            async with (
                asyncio.timeout(timeout_seconds),
                self._asking[key_number - 1](**payload) as response,
            ):
                begun.append(self._request_id(response.headers))
                async for chunk in response.iter_bytes():
                    body += chunk
                    # An endpoint may compress although it was asked not to.
                    if len(body) > self._max_reply_bytes:
                        break
        except openai.APIStatusError as error:
            return self._refused(error.status_code, error.body, error.response.headers)
        except (TimeoutError, openai.APITimeoutError, httpx2.TimeoutException) as error:
            failure = Failure(CallOutcome.TIMEOUT, type(error).__name__)
        except (openai.OpenAIError, httpx2.RequestError, httpx2.InvalidURL) as error:
            failure = Failure(CallOutcome.CONNECTION, _cause(error))
        else:
            content = bytes(body)
            if refusal := refusal_of(content):
                return self._refused(*refusal, response.headers)
            too_large = len(content) > self._max_reply_bytes
            return RawReply(content, begun[0], Unusable.TOO_LARGE if too_large else None)
        return RawReply(bytes(body), begun[0], Unusable.BROKEN_OFF) if begun else failure

    def _refused(self, status: int, error: object, headers: Mapping[str, str]) -> Failure:
        return failure_of(status, error, retry_after_seconds(headers, self._clock.now()))

    def _request_id(self, headers: Mapping[str, str]) -> str | None:
        text = headers.get("x-request-id", "")
        plain = _REQUEST_ID.fullmatch(text) and not any(key in text for key in self._secret_keys)
        return text if plain else None

    async def _bound(self, response: httpx2.Response) -> None:
        succeeded = response.status_code < HTTPStatus.BAD_REQUEST
        stream = response.stream
        if not isinstance(stream, httpx2.AsyncByteStream):
            raise TypeError(f"an asynchronous client received a {type(stream).__name__}")
        response.stream = _Bounded(stream, self._max_reply_bytes if succeeded else MAX_ERROR_BYTES)


def _cause(error: BaseException) -> str:
    """Return the kind of error that the others were raised from, such as ConnectionRefusedError."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return type(error).__name__


class _Bounded(httpx2.AsyncByteStream):
    """Ends with the chunk that exceeds the limit."""

    def __init__(self, stream: httpx2.AsyncByteStream, max_bytes: int) -> None:
        self._stream = stream
        self._max_bytes = max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        async for chunk in self._stream:
            yield chunk
            received += len(chunk)
            if received > self._max_bytes:
                return

    async def aclose(self) -> None:
        await self._stream.aclose()
