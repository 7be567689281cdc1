"""Reports and notices, as operators read them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field

from api.schemas.responses import ResponseModel
from domain.notices import NoticeLevel
from domain.reports import Report, ReportFinding, ReportKind, ReportLevel
from services.notices.records import NoticeState
from storage.document_ports import Document


class ReportAnswer(ResponseModel):
    """A report of one kind, made at one moment."""

    report_id: str
    kind: ReportKind
    created_at: Annotated[datetime, Field(description="ISO 8601, UTC.")]
    level: Annotated[ReportLevel, Field(description="That of the worst finding.")]
    summary: str
    figures: Annotated[dict[str, Any], Field(description="By kind, see docs/reports.md; null for what is not known.")]
    findings: Annotated[list[ReportFinding], Field(description="The worst first.")]

    @classmethod
    def of(cls, report: Report) -> Self:
        """Return the answer for a report."""
        return cls(**report.model_dump(exclude={"findings"}), findings=list(report.findings))


class ReportList(ResponseModel):
    """Reports, newest first."""

    reports: list[ReportAnswer]


class NoticeAnswer(ResponseModel):
    """A message to the operators, and whether it was sent."""

    notice_id: str
    key: Annotated[str, Field(description="What it is about; a later one of the same key and level says nothing new.")]
    level: NoticeLevel
    title: str
    text: str
    created_at: Annotated[datetime, Field(description="ISO 8601, UTC.")]
    state: Annotated[NoticeState, Field(description="logged: no address is configured in NOTIFY_URLS.")]
    attempts: Annotated[int, Field(ge=0, description="Attempts to send it, once they have ended.")]


class NoticeList(ResponseModel):
    """Notices, newest first."""

    notices: list[NoticeAnswer]

    @classmethod
    def of(cls, documents: list[Document]) -> Self:
        """Return the answer for kept notices."""
        names = NoticeAnswer.model_fields
        return cls(notices=[NoticeAnswer(**{name: document[name] for name in names}) for document in documents])
