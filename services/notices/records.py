"""Notices in the document store: for the list, for the next start, and so that replicas do not repeat each other."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import timedelta
from enum import StrEnum

from domain.errors import StorageUnavailable
from domain.notices import Notice, NoticeLevel
from domain.values import epoch_ms
from storage.document_ports import NOTICES, Document, LastingDocuments

# Of one key, the newest that are compared.
_COMPARED = 20


class NoticeState(StrEnum):
    """Whether a notice has reached the operators."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"
    LOGGED = "logged"


class NoticeRecords:
    """Keeps notices with their state, and the process that sends them."""

    def __init__(self, documents: LastingDocuments) -> None:
        """Keep the store; the process is an owner of its own."""
        self._documents = documents
        self._owner = uuid.uuid4().hex

    def keep(self, notice_id: str, notice: Notice, state: NoticeState, attempts: int = 0) -> None:
        """Keep a notice of this process in its present state, soon."""
        document = {**asdict(notice), "state": state, "attempts": attempts, "owner": self._owner}
        self._documents.put_later(NOTICES, notice_id, document)

    def forget(self, notice_id: str) -> None:
        """Remove a notice, soon."""
        self._documents.discard_later(NOTICES, notice_id)

    async def newest(self, limit: int) -> list[Document]:
        """Return the newest notices.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        return await self._documents.newest(NOTICES, limit)

    async def is_own(self, notice_id: str) -> bool:
        """Return whether this process is to send a notice; raises as `newest`."""
        known = await self._documents.get(NOTICES, notice_id)
        return known is None or known["owner"] == self._owner

    async def was_said(self, notice_id: str, notice: Notice, within: timedelta) -> bool:
        """Return whether another process has or had a notice of the same key and level, shortly before this one.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        place = epoch_ms(notice.created_at), notice_id
        for other in await self._documents.newest(NOTICES, _COMPARED, {"key": notice.key}):
            before = (epoch_ms(other["created_at"]), other["notice_id"]) < place
            recent = other["created_at"] > notice.created_at - within
            heard = other["state"] in {NoticeState.WAITING, NoticeState.SENT}
            if before and recent and heard and other["level"] == notice.level:
                return True
        return False

    async def take_over(self, limit: int) -> list[tuple[str, Notice]]:
        """Return the newest notices that other processes did not send, the oldest first; from now on they are ours.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        if not await self._documents.flush():
            raise StorageUnavailable("notices of earlier processes may be on their way to the store")
        left = await self._documents.newest(NOTICES, limit, {"state": NoticeState.WAITING.value})
        found = [
            (str(document["notice_id"]), _notice(document))
            for document in reversed(left)
            if document["owner"] != self._owner
        ]
        for notice_id, notice in found:
            self.keep(notice_id, notice, NoticeState.WAITING)
        return found


def _notice(document: Document) -> Notice:
    return Notice(
        key=document["key"],
        level=NoticeLevel(document["level"]),
        title=document["title"],
        text=document["text"],
        created_at=document["created_at"],
    )
