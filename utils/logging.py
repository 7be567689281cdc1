"""Logging: loguru on standard error, the standard library's loggers led into it, secrets masked."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from loguru import logger

from config.settings import LoggingSettings

if TYPE_CHECKING:
    from loguru import Record

# user:password@ of any URL, and bearer tokens
_URL_CREDENTIALS = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")
_BEARER = re.compile(r"(?i)(bearer\s+)[^\s,'\"]+")
# A line break or an escape sequence from a request would forge lines or recolor a terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_MASK = "***"

# The request that a line belongs to; every request runs in a context of its own.
request_id: ContextVar[str] = ContextVar("request_id", default="")


class InterceptHandler(logging.Handler):
    """Hands records of the standard library's logging to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record under its own level and place."""
        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno
        depth, frame = 2, logging.currentframe()
        while frame.f_back is not None and frame.f_code.co_filename == logging.__file__:
            frame, depth = frame.f_back, depth + 1
        logger.opt(depth=depth, exception=record.exc_info).log(level, record.getMessage())


def configure_logging(settings: LoggingSettings, secrets: Iterable[str] = ()) -> None:
    """Send every log line to standard error, without any of `secrets` in it.

    Args:
        settings: The lowest level that is shown.
        secrets: Texts that never appear in a line; short ones (< 4 characters) are not masked.
    """
    known = sorted({secret for secret in secrets if len(secret) >= 4}, key=len, reverse=True)

    def mask(text: str) -> str:
        for secret in known:
            text = text.replace(secret, _MASK)
        return _BEARER.sub(rf"\1{_MASK}", _URL_CREDENTIALS.sub(_MASK, text))

    def patch(record: Record) -> None:
        if request_id.get():
            record["extra"].setdefault("request_id", request_id.get())
        record["message"] = _on_one_line(mask(record["message"]))
        for key, value in record["extra"].items():
            if isinstance(value, str):
                record["extra"][key] = _on_one_line(mask(value))

    def line(record: Record) -> str:
        facts = {key: value for key, value in record["extra"].items() if key != "facts"}
        record["extra"]["facts"] = " ".join(f"{key}={value}" for key, value in facts.items())
        return (
            "<green>{time:YYYY-MM-DD HH:mm:ss.SSS}</green> <level>{level: <7}</level> "
            "{message} <dim>{extra[facts]}</dim>\n{exception}"
        )

    def write(message: Any) -> None:
        # Tracebacks are formatted after the patcher has run, so the finished line is masked too.
        sys.stderr.write(mask(message))

    # backtrace and diagnose stay off: they print the values of variables, secrets among them.
    logger.configure(
        handlers=[
            {
                "sink": write,
                "level": settings.level,
                "format": line,
                "backtrace": False,
                "diagnose": False,
                "colorize": sys.stderr.isatty(),
            }
        ],
        patcher=patch,
    )
    logging.basicConfig(handlers=[InterceptHandler()], level=logging.WARNING, force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    logging.getLogger("uvicorn.error").setLevel(logging.INFO)


def _on_one_line(text: str) -> str:
    return _CONTROL.sub(lambda found: repr(found.group())[1:-1], text)
