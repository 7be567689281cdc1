"""Answers about jobs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schemas.responses import ResponseModel
from domain.jobs import Job


class Jobs(ResponseModel):
    """Jobs, newest first."""

    jobs: list[Job]
    complete: Annotated[
        bool, Field(description="false while the store is down: then only what is not stored yet is here.")
    ]
