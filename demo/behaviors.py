"""Behaviors of the fake endpoint: answer a request, refuse it, or fail as real endpoints do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from fastapi import Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from demo.replies import reply_to

MODEL = "demo-gpt"
_CREATED = 1_760_000_000


class _Cuttable(Protocol):
    def abort(self) -> None: ...


@dataclass(frozen=True)
class CompletionRequest:
    """A request for a completion, with its time in monotonic seconds, its key and its body."""

    at: float
    key: str
    body: dict[str, Any]
    headers: Mapping[str, str]
    request: Request = field(repr=False)
    transports: Mapping[Any, Any] = field(repr=False)

    @property
    def reply(self) -> dict[str, Any]:
        """The reply by the demo's rules."""
        return reply_to(self.body)

    def cut(self) -> None:
        """Reset the client's connection."""
        client = self.request.client
        transport: _Cuttable = self.transports[(client.host, client.port) if client else None]
        transport.abort()

    async def gone(self) -> None:
        """Return once the client has disconnected."""
        while (await self.request.receive())["type"] != "http.disconnect":
            pass


Behavior = Callable[[CompletionRequest], Awaitable[Response]]


def envelope(asked: CompletionRequest, content: str | None, **changes: Any) -> dict[str, Any]:
    """Return a chat completion with this content; `changes` replace top-level keys, None removes one."""
    tokens_in = len(json.dumps(asked.body.get("messages", []))) // 4
    tokens_out = max(len(content or "") // 4, 1)
    whole: dict[str, Any] = {
        "id": "chatcmpl-demo",
        "object": "chat.completion",
        "created": _CREATED,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
            "prompt_tokens_details": {"cached_tokens": 0},
        },
        **changes,
    }
    return {key: value for key, value in whole.items() if value is not None}


def _json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(body, status, {"x-request-id": "req_demo", **(headers or {})})


async def normal(asked: CompletionRequest) -> Response:
    """Answer by the demo's rules."""
    return _json(envelope(asked, json.dumps(asked.reply)))


def content(make: Callable[[dict[str, Any]], str | None], finish_reason: str = "stop") -> Behavior:
    """Answer with the text that `make` returns for the normal reply."""

    async def behave(asked: CompletionRequest) -> Response:
        whole = envelope(asked, make(asked.reply))
        whole["choices"][0]["finish_reason"] = finish_reason
        return _json(whole)

    return behave


def in_parts(split: Callable[[str], list[dict[str, Any]]]) -> Behavior:
    """Answer with the parts of a content that `split` makes of the normal reply's text."""

    async def behave(asked: CompletionRequest) -> Response:
        text = json.dumps(asked.reply)
        whole = envelope(asked, text)
        whole["choices"][0]["message"]["content"] = split(text)
        return _json(whole)

    return behave


def wrong(**changes: Any) -> Behavior:
    """Answer with the normal reply, but with other values for these keys; `...` removes one."""

    def changed(reply: dict[str, Any]) -> str:
        return json.dumps({key: value for key, value in {**reply, **changes}.items() if value is not ...})

    return content(changed)


async def refusal(asked: CompletionRequest) -> Response:
    """Decline, as a model does for reasons of safety."""
    whole = envelope(asked, None)
    whole["choices"][0]["message"]["refusal"] = "I'm sorry, I can't assist with that request."
    return _json(whole)


def altered(**changes: Any) -> Behavior:
    """Answer with an envelope with other values for top-level keys; None removes one."""

    async def behave(asked: CompletionRequest) -> Response:
        return _json(envelope(asked, json.dumps(asked.reply), **changes))

    return behave


def with_header(name: str, text: str) -> Behavior:
    """Answer by the demo's rules, with this header."""

    async def behave(asked: CompletionRequest) -> Response:
        response = await normal(asked)
        response.headers[name] = text
        return response

    return behave


def error(
    status: int, code: str | None, message: str = "", headers: Mapping[str, str] | None = None, **more: Any
) -> Behavior:
    """Refuse in OpenAI's form."""

    async def behave(asked: CompletionRequest) -> Response:
        # OpenAI repeats the ends of a wrong key
        text = message or f"Refused for key {asked.key[:8]}*****{asked.key[-4:]}."
        fields = {"message": text, "type": "demo_error", "param": None, "code": code, **more}
        return _json({"error": fields}, status, headers)

    return behave


unauthorized = error(401, "invalid_api_key")
forbidden = error(403, "unsupported_country_region_territory")
quota = error(429, "insufficient_quota", type="insufficient_quota")
server_error = error(500, None)
model_not_found = error(404, "model_not_found")


def rate_limited(**headers: str) -> Behavior:
    """Refuse by a limit per minute; header names are written with underscores."""
    return error(429, "rate_limit_exceeded", headers={name.replace("_", "-"): text for name, text in headers.items()})


def only_for(accepts: Callable[[dict[str, Any]], bool], otherwise: Behavior) -> Behavior:
    """Answer the requests whose body is accepted, and treat the others otherwise."""

    async def behave(asked: CompletionRequest) -> Response:
        return await (normal if accepts(asked.body) else otherwise)(asked)

    return behave


def raw(body: bytes, status: int = 200, media_type: str = "application/json") -> Behavior:
    """Answer with exactly these bytes."""

    async def behave(_asked: CompletionRequest) -> Response:
        return Response(body, status, media_type=media_type)

    return behave


async def hang(asked: CompletionRequest) -> Response:
    """Send nothing until the client disconnects."""
    await asked.gone()
    return Response()


async def cut(asked: CompletionRequest) -> Response:
    """Reset the connection before any answer."""
    asked.cut()
    return Response()


def drip(pause_seconds: float, chunk: bytes = b" ", cut_after: int | None = None, status: int = 200) -> Behavior:
    """Answer piece by piece without an end; after `cut_after` pieces reset the connection."""

    async def pieces(asked: CompletionRequest) -> AsyncIterator[bytes]:
        sent = 0
        while cut_after is None or sent < cut_after:
            yield chunk
            sent += 1
            await asyncio.sleep(pause_seconds)
        asked.cut()

    async def behave(asked: CompletionRequest) -> Response:
        return StreamingResponse(pieces(asked), status, media_type="application/json")

    return behave
