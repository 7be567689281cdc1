"""The newest lines of the log, in memory, for operators who look at a running service."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from utils.log_lines import Mask, plain_facts, traceback_of

if TYPE_CHECKING:
    from loguru import Message

# Longer texts are cut, so that the lines stay within a few megabytes.
MAX_CHARACTERS = 4_000


@dataclass(frozen=True)
class LogLine:
    """One line of the log, without secrets.

    Attributes:
        at: When it was logged.
        level: Such as WARNING.
        severity: Number of the level: 20 is INFO, 30 WARNING, 40 ERROR.
        message: What happened.
        logger: Name of the module that logged it.
        facts: Its fields, such as symbol and request_id.
        exception: Traceback, None where there is none; its end where it is long.
    """

    at: datetime
    level: str
    severity: int
    message: str
    logger: str
    facts: dict[str, Any]
    exception: str | None


class LogTail:
    """A sink of loguru that keeps the newest lines."""

    def __init__(self, max_lines: int, mask: Mask) -> None:
        """Keep at most `max_lines`, each masked as in the log."""
        self._lines: deque[LogLine] = deque(maxlen=max_lines)
        self._mask = mask

    def write(self, message: Message) -> None:
        """Keep a line, and forget the oldest where there are too many."""
        record = message.record
        raised = traceback_of(record, self._mask)
        self._lines.append(
            LogLine(
                at=record["time"].astimezone(UTC),
                level=record["level"].name,
                severity=record["level"].no,
                message=record["message"][:MAX_CHARACTERS],
                logger=record["name"] or "",
                facts={key: _cut(value) for key, value in plain_facts(record, self._mask).items()},
                exception=raised and raised[-MAX_CHARACTERS:],
            )
        )

    def newest(self, limit: int, severity: int = 0) -> list[LogLine]:
        """Return at most `limit` lines of this severity or a higher one, the newest first."""
        lines: list[LogLine] = []
        # A copy: other threads log meanwhile.
        for line in reversed(self._lines.copy()):
            if len(lines) == limit:
                break
            if line.severity >= severity:
                lines.append(line)
        return lines


def _cut(value: Any) -> Any:
    return value[:MAX_CHARACTERS] if isinstance(value, str) else value
