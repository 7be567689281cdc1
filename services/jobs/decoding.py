"""Reads stored jobs back, also those that another version of the service wrote."""

from __future__ import annotations

from collections.abc import Iterable

from loguru import logger
from pydantic import ValidationError

from domain.job_kinds import JobKind
from domain.jobs import Job, JobStatus
from storage.document_ports import Document

_KINDS = frozenset(kind.value for kind in JobKind)


class JobDecoder:
    """Decodes stored jobs; those that do not fit this version are left out, and the first is logged as a warning."""

    def __init__(self) -> None:
        self._warned = False

    def jobs(self, documents: Iterable[Document]) -> list[Job]:
        """Return the jobs that can be shown."""
        found = (self._job(document) for document in documents)
        return [job for job in found if job is not None]

    def _job(self, document: Document) -> Job | None:
        kind = document.get("kind")
        unknown = isinstance(kind, str) and kind not in _KINDS
        try:
            return Job.model_validate(_of_unknown_kind(document) if unknown else document)
        except ValidationError:
            if not self._warned:
                logger.warning("a stored job does not fit this version of the service and is not shown")
            self._warned = True
            return None


def _of_unknown_kind(document: Document) -> Document:
    """Return the record as one that can be shown: a job that waits or runs has failed here.

    The stored record stays as it is, for a replica of another version may have the kind.
    """
    shown = {**document, "kind": JobKind.UNKNOWN.value}
    if document.get("status") in {JobStatus.QUEUED.value, JobStatus.RUNNING.value}:
        reason = f"this version of the service has no jobs of the kind {document['kind']!r}, so it does not run"
        shown |= {"status": JobStatus.FAILED.value, "error": reason}
    return shown
