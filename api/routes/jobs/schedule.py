"""The schedule, for operators."""

from __future__ import annotations

from fastapi import APIRouter

from api.dependencies import DefaultLimit
from api.parts import SchedulePart, SettingsPart
from api.schemas.jobs.schedule import Schedule, ScheduledRow
from api.schemas.problems import problem_responses

router = APIRouter(tags=["jobs"], dependencies=[DefaultLimit])


@router.get("/ai/schedule", operation_id="schedule", summary="What is due when", responses=problem_responses(503))
async def schedule(schedule: SchedulePart, settings: SettingsPart) -> Schedule:
    """Return every row of the schedule, when it was and will be due, and how its newest job ended."""
    rows = [ScheduledRow.of(row) for row in await schedule.rows()]
    return Schedule(enabled=settings.schedule.enabled, jobs=rows)
