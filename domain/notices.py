"""Notices: what operators are told without asking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class NoticeLevel(StrEnum):
    """How soon somebody has to know."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Notice:
    """A message to the operators.

    Attributes:
        key: What it is about: a later one of the same key and level says nothing new.
        level: How soon somebody has to know.
        title: One line.
        text: The rest, possibly several lines.
        created_at: Aware UTC time.
    """

    key: str
    level: NoticeLevel
    title: str
    text: str
    created_at: datetime
