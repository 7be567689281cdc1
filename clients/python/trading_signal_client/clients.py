"""The synchronous and the asynchronous client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

import httpx2
from pydantic import BaseModel, ValidationError

from trading_signal_client import sockets
from trading_signal_client.answers import Signal
from trading_signal_client.calls import Call
from trading_signal_client.problems import problem_of, unknown_answer

A = TypeVar("A", bound=BaseModel | str | bytes)
# A language model may take half a minute.
TIMEOUT_SECONDS = 40.0


class Client:
    """Synchronous client; use it as a context manager."""

    def __init__(self, url: str, token: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """Prepare the client; it connects with the first call.

        Args:
            url: URL of the service, such as http://127.0.0.1:8000.
            token: Token of a client or of the administrator, if the service requires one.
            timeout_seconds: Time limit of each call.
        """
        self._url, self._token = url, token
        self._http = httpx2.Client(base_url=url, headers=sockets.authorization(token), timeout=timeout_seconds)

    def send(self, call: Call[A]) -> A:
        """Return the answer to a call.

        Raises:
            Problem: the service refused the call, or something else answered; `detail` says why.
            httpx2.TransportError: the service was not reached or did not answer in time.
        """
        response = self._http.request(
            call.method, call.path, json=call.body, content=call.content, params=call.query, headers=call.headers
        )
        return _answer(call, response)

    def signals(self, symbols: Sequence[str] = ()) -> Iterator[Signal]:
        """Yield signals of these symbols, or of all, without end: a broken socket is opened again.

        Raises:
            websockets.exceptions.InvalidStatus: the service refuses the token.
            ValueError: it refuses the symbols, such as one that is no name of a market.
        """
        return sockets.listen(self._url, self._token, symbols)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient:
    """Asynchronous client; use it as an asynchronous context manager."""

    def __init__(self, url: str, token: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """Prepare the client; the arguments are those of `Client`."""
        self._url, self._token = url, token
        self._http = httpx2.AsyncClient(base_url=url, headers=sockets.authorization(token), timeout=timeout_seconds)

    async def send(self, call: Call[A]) -> A:
        """Return the answer to a call; raises as `Client.send`."""
        asked = self._http.request(
            call.method, call.path, json=call.body, content=call.content, params=call.query, headers=call.headers
        )
        return _answer(call, await asked)

    def signals(self, symbols: Sequence[str] = ()) -> AsyncGenerator[Signal, None]:
        """Yield signals as `Client.signals`; leave them early by `contextlib.aclosing`, which closes the socket."""
        return sockets.listen_async(self._url, self._token, symbols)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _answer(call: Call[A], response: httpx2.Response) -> A:
    if not response.is_success:
        raise problem_of(response)
    if issubclass(call.answer, str):
        return call.answer(response.text)
    if issubclass(call.answer, bytes):
        return call.answer(response.content)
    try:
        return call.answer.model_validate_json(response.content)
    except ValidationError as error:
        raise unknown_answer(response) from error
