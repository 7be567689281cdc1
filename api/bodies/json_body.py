"""Bodies of requests: read within a limit, and held to their schema.

FastAPI would read any amount before a route could refuse its caller.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from domain.errors import PayloadTooLarge, UnsupportedMediaType
from domain.hours.holidays import holidays_loaded, load_holidays
from domain.hours.trading_hours import has_holidays
from domain.naming.symbols import MAX_SYMBOL_LENGTH

# A body this large takes milliseconds to read: it goes to a thread, small ones are read at once.
LARGE_BODY_BYTES = 200_000
# Characters of a text that an error keeps.
_SHORT_TEXT = 40
JSON = ("application/json",)

# A list ends before another begins: looking from each `"symbol":[` to the end of the body would take hours.
_SYMBOLS = re.compile(rb'"symbols?"\s*:\s*("[^"]*"|\[[^\[\]]*\])')
# No route takes more.
_MAX_SYMBOLS = 1_000
# A longer one is no symbol, and would be remembered as one.
_TEXT = re.compile(rb'"([^"]{1,%d})"' % MAX_SYMBOL_LENGTH)

Body = TypeVar("Body", bound=BaseModel)


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the bytes of a JSON request.

    Raises:
        UnsupportedMediaType: the body is not declared as JSON. That also keeps the pages of
            others out: a browser sends JSON across origins only after asking.
        PayloadTooLarge: more than `max_bytes` are announced or come.
    """
    return await read_bytes(request, max_bytes, JSON)


async def read_bytes(request: Request, max_bytes: int, types: tuple[str, ...]) -> bytes:
    """Return the bytes of a request.

    Raises:
        UnsupportedMediaType: the body is declared as none of these types, or as compressed.
        PayloadTooLarge: more than `max_bytes` are announced or come.
    """
    headers = dict(request.scope["headers"])
    if headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1") not in types:
        what = "JSON" if types is JSON else "the content of a file"
        raise UnsupportedMediaType(f"send the body as {what}, with the header 'Content-Type: {types[0]}'")
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise UnsupportedMediaType("send the body uncompressed, without the header 'Content-Encoding'")
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced) > max_bytes:
        raise _too_large(max_bytes)
    # As `request.stream()`, which takes as long as the rest of this function.
    chunks, size, more = [], 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > max_bytes:
            raise _too_large(max_bytes)
        more = message.get("more_body", False)
    return b"".join(chunks)


def _too_large(max_bytes: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"the body may have at most {max_bytes} bytes")


def lacks_holidays(body: bytes) -> bool:
    """Return whether the body names a share whose holidays are not loaded: then `load_holidays` goes to a thread."""
    found = None if holidays_loaded() else _SYMBOLS.search(body)
    names = islice(_TEXT.finditer(found[1]), _MAX_SYMBOLS) if found else ()
    return any(has_holidays(name[1].decode("utf-8", "replace")) for name in names)


async def read_model(request: Request, model: type[Body], max_bytes: int) -> Body:
    """Return the JSON body of a request by its schema.

    Raises:
        UnsupportedMediaType, PayloadTooLarge: as `read_body`.
        RequestValidationError: it is no JSON or does not fit the schema.
    """
    body = await read_body(request, max_bytes)
    if lacks_holidays(body):
        await run_in_threadpool(load_holidays)
    if len(body) > LARGE_BODY_BYTES:
        return await run_in_threadpool(by_schema, model, body)
    return by_schema(model, body)


def by_schema(model: type[Body], body: bytes) -> Body:
    """Return the body by its schema.

    Raises:
        RequestValidationError: it is no JSON or does not fit; it has numbers and short texts as sent, and
            of all else the type.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise RequestValidationError([{**entry, "input": _short(entry["input"])} for entry in found]) from None


def _short(value: object) -> object:
    """Return a number or a short text as it is, and the type of anything else."""
    short = isinstance(value, int | float) or (isinstance(value, str) and len(value) <= _SHORT_TEXT)
    return value if short else type(value)
