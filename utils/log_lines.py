"""The form of a log line: text for people or JSON for machines, one line per event, without secrets."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from datetime import UTC
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loguru import Record

# user:password@ of any URL, and bearer tokens
_URL_CREDENTIALS = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")
_BEARER = re.compile(r"(?i)(bearer\s+)[^\s,'\"]+")
# A line break or an escape sequence from a request would forge lines or recolor a terminal, and a mark of direction
# would show what follows in another order.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_MASK = "***"
# Keys of `extra` that are set here and are no facts.
_OWN = frozenset({"facts", "line"})

Mask = Callable[[str], str]

# The request that a line belongs to; every request runs in a context of its own.
request_id: ContextVar[str] = ContextVar("request_id", default="")


def masking(secrets: Iterable[str]) -> Mask:
    """Return a function that masks secrets in a text; those of fewer than 4 characters are left."""
    known = sorted({secret for secret in secrets if len(secret) >= 4}, key=len, reverse=True)

    def mask(text: str) -> str:
        for secret in known:
            text = text.replace(secret, _MASK)
        return _BEARER.sub(rf"\1{_MASK}", _URL_CREDENTIALS.sub(_MASK, text))

    return mask


def patching(mask: Mask) -> Callable[[Record], None]:
    """Return a patcher that adds the request of a record, masks its texts and keeps them on one line."""

    def patch(record: Record) -> None:
        if request_id.get():
            record["extra"].setdefault("request_id", request_id.get())
        record["message"] = _on_one_line(mask(record["message"]))
        for key, value in record["extra"].items():
            if isinstance(value, str):
                record["extra"][key] = _on_one_line(mask(value))

    return patch


def text_line(record: Record) -> str:
    """Return the template of a line for people: time (UTC), level, message, facts; a traceback follows below."""
    record["extra"]["facts"] = " ".join(f"{key}={value}" for key, value in _facts(record))
    return (
        "<green>{time:YYYY-MM-DD HH:mm:ss.SSS!UTC}Z</green> <level>{level: <7}</level> "
        "{message} <dim>{extra[facts]}</dim>\n{exception}"
    )


def json_line(mask: Mask) -> Callable[[Record], str]:
    """Return a maker of JSON lines: `time` (ISO 8601, UTC), `level`, `message`, `logger`, facts, `exception`."""

    def line(record: Record) -> str:
        document = plain_facts(record, mask) | {
            "time": record["time"].astimezone(UTC).isoformat(timespec="milliseconds"),
            "level": record["level"].name,
            "message": record["message"],
            "logger": record["name"],
        }
        if (raised := traceback_of(record, mask)) is not None:
            document["exception"] = raised
        record["extra"]["line"] = json.dumps(document, ensure_ascii=False, allow_nan=False)
        return "{extra[line]}\n"

    return line


def plain_facts(record: Record, mask: Mask) -> dict[str, Any]:
    """Return the facts of a record as values of JSON."""
    return {key: _plain(value, mask) for key, value in _facts(record)}


def traceback_of(record: Record, mask: Mask) -> str | None:
    """Return the traceback of a record, None where it has none."""
    raised = record["exception"]
    return None if raised is None else mask("".join(traceback.format_exception(*raised)))


def _facts(record: Record) -> list[tuple[str, Any]]:
    return [(key, value) for key, value in record["extra"].items() if key not in _OWN]


def _plain(value: Any, mask: Mask) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and value - value == 0.0:  # a finite one
        return value
    return mask(str(value))


def _on_one_line(text: str) -> str:
    return _CONTROL.sub(lambda found: repr(found.group())[1:-1], text)
