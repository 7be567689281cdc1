"""The reports that are kept, for readers."""

from __future__ import annotations

from domain.errors import NotFound
from domain.reports import Report, ReportKind
from storage.document_ports import REPORTS, DocumentStore


class KeptReports:
    """Reads and keeps reports."""

    def __init__(self, documents: DocumentStore) -> None:
        """Keep the store."""
        self._documents = documents

    async def keep(self, report: Report) -> None:
        """Keep a report.

        Raises:
            StorageUnavailable: the store does not take it.
        """
        await self._documents.put(REPORTS, report.report_id, report.model_dump())

    async def newest(self, limit: int, kind: ReportKind | None = None) -> list[Report]:
        """Return the newest reports, of one kind or all.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        where = None if kind is None else {"kind": kind.value}
        return [Report.model_validate(document) for document in await self._documents.newest(REPORTS, limit, where)]

    async def get(self, report_id: str) -> Report:
        """Return one report.

        Raises:
            NotFound: there is none of this id.
            StorageUnavailable: the store does not answer.
        """
        document = await self._documents.get(REPORTS, report_id)
        if document is None:
            raise NotFound(f"no report has the id {report_id[:64]}")
        return Report.model_validate(document)
