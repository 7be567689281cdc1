"""The schedule: which job is due when."""

from __future__ import annotations

from typing import Annotated, Any

from croniter import croniter
from pydantic import AfterValidator, Field

from config.section import Seconds, Section, Switch
from domain.job_kinds import RUNNABLE_KINDS, JobKind
from domain.values import TextForm


def _cron(text: str) -> str:
    if len(text.split()) != 5 or not croniter.is_valid(text):
        raise ValueError("five fields are needed: minute hour day month weekday, such as 30 4 * * *")
    return text


def _is_of_this_version(kind: JobKind) -> JobKind:
    if kind not in RUNNABLE_KINDS:
        raise ValueError("unknown stands for kinds of other versions, and is none to run")
    return kind


Cron = Annotated[str, AfterValidator(_cron)]
RowName = Annotated[str, TextForm(r"^[a-z][a-z0-9_]{0,63}$", "needs a name of small letters, digits and _")]


class ScheduledJob(Section):
    """One row: a kind of job, its parameters, and when it is due, in UTC."""

    kind: Annotated[JobKind, AfterValidator(_is_of_this_version)]
    cron: Cron
    parameters: dict[str, Any] = Field(default_factory=dict)


class ScheduleSettings(Section):
    """Rows by name; a replica looks every `look_seconds` for what is due."""

    enabled: Switch
    look_seconds: Seconds
    jobs: dict[RowName, ScheduledJob]
