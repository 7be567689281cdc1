"""Logging: loguru on standard error and into a file, the standard library's loggers led into it, secrets masked."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from loguru import logger

from config.server_settings import LoggingSettings
from utils.log_lines import json_line, masking, patching, text_line
from utils.log_tail import LogTail
from utils.log_writer import Descriptor, LogState, LogWriter, Place

_STANDARD_ERROR = 2


@dataclass(frozen=True)
class Logs:
    """The destinations of log lines, and the newest of them; None where none are kept."""

    writers: tuple[LogWriter, ...] = ()
    tail: LogTail | None = None

    def states(self) -> list[LogState]:
        """Return the state of each destination, without waiting."""
        return [writer.state() for writer in self.writers]


NO_LOGS = Logs()


class RotatedFile:
    """The log file, which loguru rotates; it is opened with the first line, and again after a failure."""

    def __init__(self, settings: LoggingSettings) -> None:
        """Make a logger of its own for it; no sink may be there yet."""
        logger.configure(patcher=_leave_alone)
        self._logger: Any = deepcopy(logger)  # loguru's own recipe
        self._logger.add(
            settings.file,
            format="{message}",
            level=0,
            rotation=settings.file_rotation_bytes,
            retention=settings.file_retention,
            delay=True,
            catch=False,  # the writer counts what fails
            errors="backslashreplace",  # text of others, such as a JSON reply, may hold lone surrogates
        )
        self._raw = self._logger.opt(raw=True)

    def write(self, text: str) -> None:
        """Append a text."""
        self._raw.info(text)

    def close(self) -> None:
        """Close the file."""
        self._logger.remove()


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


def configure_logging(settings: LoggingSettings, secrets: Iterable[str] = ()) -> Logs:
    """Send every log line to standard error, and to a file if one is named, without any of `secrets` in it.

    No caller waits for either: each has its own thread and bounded queue.

    Args:
        settings: The lowest level that is shown, the form of a line, the file.
        secrets: Texts that never appear in a line; short ones (< 4 characters) are not masked.
    """
    mask = masking(secrets)
    logger.remove()
    places: dict[str, Place] = {"stderr": Descriptor(_STANDARD_ERROR)}
    if settings.file:
        places["file"] = RotatedFile(settings)
    finish = str if settings.format == "json" else mask  # a traceback in text is formatted after the patcher has run
    tail = LogTail(settings.tail_lines, mask)
    writers = tuple(LogWriter(name, place, settings.max_waiting_bytes, finish) for name, place in places.items())
    # backtrace and diagnose stay off: they print the values of variables, secrets among them.
    logger.configure(
        handlers=[
            {
                "sink": writer,
                "level": settings.level,
                "format": json_line(mask) if settings.format == "json" else text_line,
                "backtrace": False,
                "diagnose": False,
                "colorize": settings.format == "text" and index == 0 and os.isatty(_STANDARD_ERROR),
            }
            for index, writer in enumerate(writers)
        ],
        patcher=patching(mask),
    )
    logger.add(tail, level=settings.level, format=_no_text, backtrace=False, diagnose=False)
    logging.basicConfig(handlers=[InterceptHandler()], level=logging.WARNING, force=True)
    logging.captureWarnings(True)  # they would be written to standard error, and wait for it
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    logging.getLogger("uvicorn.error").setLevel(logging.INFO)
    return Logs(writers, tail)


def _no_text(_: object) -> str:
    """Make no line: the newest lines are kept as they were logged."""
    return ""


def _leave_alone(_: object) -> None:
    """Patch nothing: a line for the file is already finished."""
