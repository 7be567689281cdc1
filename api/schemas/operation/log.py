"""Lines of the service's log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field

from api.schemas.responses import ResponseModel
from utils.log_tail import LogLine


class LogLevel(StrEnum):
    """From which level on lines are wanted."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"

    @property
    def severity(self) -> int:
        """Number of the level, as loguru has it."""
        return {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}[self.value]


class LogLineAnswer(ResponseModel):
    """One line; secrets in it are masked."""

    time: Annotated[datetime, Field(description="ISO 8601, UTC.")]
    level: str
    message: str
    logger: Annotated[str, Field(description="Module that logged it.")]
    facts: Annotated[dict[str, Any], Field(description="Its fields, such as symbol and request_id.")]
    exception: Annotated[str | None, Field(description="The end of the traceback.")]

    @classmethod
    def of(cls, line: LogLine) -> Self:
        """Return the answer for a line."""
        return cls(
            time=line.at,
            level=line.level,
            message=line.message,
            logger=line.logger,
            facts=line.facts,
            exception=line.exception,
        )


class LogAnswer(ResponseModel):
    """The newest lines of this process, the newest first."""

    lines: list[LogLineAnswer]

    @classmethod
    def of(cls, lines: Sequence[LogLine]) -> Self:
        """Return the answer for lines."""
        return cls(lines=[LogLineAnswer.of(line) for line in lines])
