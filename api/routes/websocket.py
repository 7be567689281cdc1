"""`/ws`: relays the hub's signals to a client and answers its pings and subscriptions.

A client sends `{"type":"subscribe","symbols":["BTCUSDT"]}` to receive those symbols only, and
`unsubscribe` to leave some out; until its first `subscribe` it receives all. Any other text is a ping.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from starlette.status import WS_1001_GOING_AWAY, WS_1003_UNSUPPORTED_DATA, WS_1009_MESSAGE_TOO_BIG
from starlette.types import Message

from api.errors import problem_response
from api.guard.access import identify
from api.guard.listeners import BEARER_SUBPROTOCOL, may_hear
from api.guard.socket_shares import SocketShares
from api.guard.web_pages import may_listen
from api.parts import HubPart, SettingsPart
from api.server.websocket_protocol import SEND_NOW
from domain.errors import InvalidRequest
from domain.naming.symbols import SymbolName
from services.broadcast.subscription import MAX_SYMBOLS, CloseReason, Subscription
from utils.client_warnings import client_warnings
from utils.metrics import WEBSOCKET_REFUSED

router = APIRouter()

CLOSE_TIMEOUT_SECONDS = 0.5
RETRY_AFTER_SECONDS = 30
# Refusals that are a matter of time.
FULL = {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}


class SubscriptionChange(BaseModel):
    """A text that is not just a ping."""

    type: Literal["subscribe", "unsubscribe"]
    symbols: Any = None


_SYMBOLS = TypeAdapter(Annotated[list[SymbolName], Field(min_length=1, max_length=MAX_SYMBOLS)])


@router.websocket("/ws", name="signals")
async def relay_signals(websocket: WebSocket, hub: HubPart, configured: SettingsPart) -> None:
    """Serve one client until it leaves, stops reading, or the service shuts down."""
    settings, access = configured.websocket, configured.access
    shares: SocketShares = websocket.app.state.socket_shares
    caller = identify(websocket, access)
    if not may_listen(websocket.headers, settings.origins, access):
        await _refuse(websocket, HTTPStatus.FORBIDDEN, "pages of this origin may not listen; WS_ORIGINS names others")
        return
    if not may_hear(websocket, configured):
        await _refuse(websocket, HTTPStatus.FORBIDDEN, "this socket needs the bearer token of the service")
        return
    if len(hub) >= settings.max_clients:
        await _refuse(websocket, HTTPStatus.SERVICE_UNAVAILABLE, f"all {settings.max_clients} places are taken")
        return
    if not shares.has_room(caller):
        share = f"{settings.max_clients_per_address} sockets are open from this address, which is its share"
        await _refuse(websocket, HTTPStatus.TOO_MANY_REQUESTS, share)
        return
    with shares.held(caller):
        await _welcome(websocket, hub.subscribe(), settings.max_message_bytes)


async def _welcome(websocket: WebSocket, subscription: Subscription, max_message_bytes: int) -> None:
    """Accept a client and serve it to the end of its subscription."""
    try:
        # Queued before anything is published to it, so the welcome is always the first message.
        subscription.offer(_event("connection", message="Connected to AI Trading Service"))
        offered = BEARER_SUBPROTOCOL in websocket.scope["subprotocols"]
        await websocket.accept(subprotocol=BEARER_SUBPROTOCOL if offered else None)
        direct = websocket.scope.get("extensions", {}).get(SEND_NOW)
        if direct is not None:
            subscription.deliver_directly(direct["send"])
        await _relay(websocket, subscription, max_message_bytes)
    finally:
        subscription.close(CloseReason.LEFT)


async def _relay(websocket: WebSocket, subscription: Subscription, max_message_bytes: int) -> None:
    """Read and write side by side until the subscription ends, then say goodbye where that makes sense."""
    async with asyncio.TaskGroup() as tasks:
        reader = tasks.create_task(_read(websocket, subscription, max_message_bytes))
        writer = tasks.create_task(_write(websocket, subscription))
        await subscription.wait_closed()
        reader.cancel()
        # It may be waiting for a client that no longer reads.
        writer.cancel()
    if subscription.closed_reason is CloseReason.SLOW:
        # No close frame: it would wait behind what the client does not read. The server cuts the connection.
        client = websocket.client.host if websocket.client else ""
        client_warnings.warn("websocket client dropped: it does not read", client=client)
        return
    shutdown = subscription.closed_reason is CloseReason.SHUTDOWN
    code = WS_1001_GOING_AWAY if shutdown else None if reader.cancelled() else reader.result()
    if code is not None:
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await _send(websocket, {"type": "websocket.close", "code": code, "reason": ""})


async def _read(websocket: WebSocket, subscription: Subscription, max_message_bytes: int) -> int | None:
    """Answer what the client sends; return the code to close with, or None when the client has left."""
    try:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return None
            text = message.get("text")
            if text is None:
                return WS_1003_UNSUPPORTED_DATA
            # Our own server refuses these frames before they are read; another one may not.
            if len(text) > max_message_bytes:
                return WS_1009_MESSAGE_TOO_BIG
            subscription.offer(_answer(text, subscription))
            # Thousands of messages may have come at once, and `receive` does not yield between them.
            await asyncio.sleep(0)
    finally:
        subscription.close(CloseReason.LEFT)


async def _write(websocket: WebSocket, subscription: Subscription) -> None:
    """Send what is queued for the client."""
    async for text in subscription:
        if not await _send(websocket, {"type": "websocket.send", "text": text}):
            subscription.close(CloseReason.LEFT)


async def _send(websocket: WebSocket, message: Message) -> bool:
    """Hand a message to the server and return whether the connection still took it."""
    try:
        await websocket.send(message)
    except (WebSocketDisconnect, RuntimeError):
        # RuntimeError is how uvicorn answers when it has closed the connection by itself.
        return False
    return True


def _answer(text: str, subscription: Subscription) -> str:
    """Return the answer to a client's text, after changing its subscription if it asks for that."""
    try:
        change = SubscriptionChange.model_validate_json(text)
    except ValidationError:
        return _event("Pong", message="pong")
    try:
        symbols = _SYMBOLS.validate_python(change.symbols)
        if change.type == "subscribe":
            subscription.add_symbols(symbols)
        else:
            subscription.remove_symbols(symbols)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        expected = f'symbols must be a list of 1 to {MAX_SYMBOLS} markets such as "BTCUSDT"'
        message = str(first["ctx"]["error"]) if first["type"] == "value_error" else expected
        return _event("Error", data={"message": message})
    except InvalidRequest as error:
        return _event("Error", data={"message": error.message})
    return _event(f"{change.type}d", symbols=symbols)


def _event(kind: str, **content: Any) -> str:
    return msgspec.json.encode({"type": kind, **content, "timestamp": datetime.now(UTC)}).decode()


async def _refuse(websocket: WebSocket, status: HTTPStatus, detail: str) -> None:
    """Answer the handshake with an HTTP problem document instead of accepting it."""
    WEBSOCKET_REFUSED.labels(status.value).inc()
    retry = RETRY_AFTER_SECONDS if status in FULL else None
    await websocket.send_denial_response(problem_response(websocket, status, detail, retry_after_seconds=retry))
