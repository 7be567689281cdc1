"""The newest lines of the log, for operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.dependencies import Admin, DefaultLimit
from api.parts import LogTailPart
from api.schemas.operation.log import LogAnswer, LogLevel

MAX_LINES = 1_000

router = APIRouter(prefix="/ai", tags=["system"], dependencies=[DefaultLimit, Admin])


@router.get("/log", operation_id="log", summary="The newest lines of the log")
async def log(
    tail: LogTailPart,
    lines: Annotated[int, Query(ge=1, le=MAX_LINES)] = 100,
    level: Annotated[LogLevel, Query(description="This level and those above it.")] = LogLevel.DEBUG,
) -> LogAnswer:
    """Return lines of the process that answers, the newest first; secrets are masked as in the log itself."""
    return LogAnswer.of(tail.newest(lines, level.severity) if tail is not None else [])
