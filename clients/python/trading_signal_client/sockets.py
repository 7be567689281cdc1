"""Signals of `/ws`; a broken socket is opened again."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence

from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect

from trading_signal_client.answers import Signal

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
# Signals that are kept until the service answers the subscription.
MOST_EARLY = 1_000
# Other statuses are temporary: the service starts or is full, or a proxy answers for it.
FINAL_STATUSES = frozenset({400, 401, 403, 404})


def authorization(token: str | None) -> dict[str, str]:
    """Return the Authorization header of a token."""
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def listen(url: str, token: str | None, symbols: Sequence[str]) -> Iterator[Signal]:
    """Yield signals without end, with pauses of one second to a minute while the service cannot be reached.

    Raises:
        InvalidStatus: the service refuses the socket permanently.
        ValueError: it refuses the symbols.
    """
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            with connect(_address(url), additional_headers=authorization(token)) as socket:
                pause = FIRST_PAUSE_SECONDS
                for text in _subscription(symbols):
                    socket.send(text)
                received = _Received(symbols)
                for message in socket:
                    yield from received.signals(message)
        except (OSError, ConnectionClosed, InvalidHandshake) as error:
            if _final(error):
                raise
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


async def listen_async(url: str, token: str | None, symbols: Sequence[str]) -> AsyncGenerator[Signal, None]:
    """Yield signals as `listen`."""
    async for socket in connect_async(
        _address(url), additional_headers=authorization(token), process_exception=_final_or_none
    ):
        try:
            for text in _subscription(symbols):
                await socket.send(text)
            received = _Received(symbols)
            async for message in socket:
                for signal in received.signals(message):
                    yield signal
        except ConnectionClosed:
            pass
        # A proxy may accept a socket and close it at once; the pauses of `connect_async` are only between failures.
        await asyncio.sleep(FIRST_PAUSE_SECONDS)


def _final_or_none(error: Exception) -> Exception | None:
    return error if _final(error) or not isinstance(error, (OSError, InvalidHandshake)) else None


def _final(error: Exception) -> bool:
    """Return whether the service would refuse the next attempt too."""
    return isinstance(error, InvalidStatus) and error.response.status_code in FINAL_STATUSES


def _address(url: str) -> str:
    scheme, separator, rest = url.rstrip("/").partition("://")
    return f"{scheme.lower().replace('http', 'ws', 1)}{separator}{rest}/ws"


def _subscription(symbols: Sequence[str]) -> list[str]:
    return [json.dumps({"type": "subscribe", "symbols": list(symbols)})] if symbols else []


class _Received:
    """The signals of a socket: until the service has read the subscription, it sends those of all symbols."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self._early = deque[Signal](maxlen=MOST_EARLY) if symbols else None

    def signals(self, message: str | bytes) -> list[Signal]:
        """Return the signals that a message brings; with the answer to the subscription come those before it.

        Raises:
            ValueError: the service refuses the subscription.
        """
        event = json.loads(message)
        if event["type"] == "Error" and self._early is not None:
            raise ValueError(f"the service refuses the subscription: {event['data']['message']}")
        if event["type"] == "subscribed" and self._early is not None:
            early, self._early = self._early, None
            return [signal for signal in early if signal.symbol in event["symbols"]]
        if event["type"] != "AISignalReceived":
            return []
        signal = Signal.model_validate(event["data"])
        if self._early is None:
            return [signal]
        self._early.append(signal)
        return []
