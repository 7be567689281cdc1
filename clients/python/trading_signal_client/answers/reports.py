"""Answers about reports, notices and webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from trading_signal_client.answers.answer import Answer

ReportKind = Literal["health", "portfolio", "cost", "performance", "self_analysis"]
ReportLevel = Literal["ok", "warning", "critical"]


class ReportFinding(Answer):
    level: ReportLevel
    subject: str
    text: str


class Report(Answer):
    """A report; what is in `figures` depends on its kind, None for what is not known."""

    report_id: str
    kind: ReportKind
    created_at: datetime
    level: ReportLevel
    summary: str
    figures: dict[str, Any]
    findings: list[ReportFinding]


class Reports(Answer):
    reports: list[Report]


class Notice(Answer):
    """A message to the operators; `logged` where the service has no address to send it to."""

    notice_id: str
    key: str
    level: Literal["info", "warning", "critical"]
    title: str
    text: str
    created_at: datetime
    state: Literal["waiting", "sent", "failed", "dropped", "logged"]
    attempts: int


class Notices(Answer):
    notices: list[Notice]


class DeadLetter(Answer):
    """A signal that did not reach a receiver of webhooks."""

    delivery_id: str
    receiver: str
    origin: str
    symbol: str
    created_at: datetime
    attempts: int
    last_error: str | None
    event: dict[str, Any]


class DeadLetters(Answer):
    dead_letters: list[DeadLetter]


class DeadLetterRetried(Answer):
    delivery_id: str
    status: Literal["waiting"]
