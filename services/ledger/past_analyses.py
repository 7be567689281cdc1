"""Past analyses of a market: what callers were given, its basis, and its settlements."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from domain.analysis import Analysis
from domain.ledger.settlements import LedgerRecord
from services.ledger.reader import LedgerReader
from storage.ledger_ports import EntryFilter
from storage.ports import SignalArchive


@dataclass(frozen=True)
class PastAnalysis:
    """An analysis that was given, and its entry in the ledger.

    Attributes:
        record: The entry of the lane that answered, with its settlements so far.
        analysis: As it is archived; None where it is not yet written, or past its retention.
    """

    record: LedgerRecord
    analysis: Analysis | None


@dataclass(frozen=True)
class PastAnalysesPage:
    """Analyses, the newest first, and the cursor of the page after them; None on the last one."""

    analyses: list[PastAnalysis]
    next: str | None


class PastAnalyses:
    """Reads the ledger and the archive beside it.

    What only strangers were given, and what rests on synthetic, old or contradicted candles, is left out, as in the
    figures of the record.
    """

    def __init__(self, reader: LedgerReader, archive: SignalArchive) -> None:
        """Keep the ledger, which has their settlements, and the archive, which has their contents."""
        self._reader = reader
        self._archive = archive

    async def page(self, symbol: str, limit: int, cursor: str | None = None) -> PastAnalysesPage:
        """Return at most `limit` analyses of a symbol; a page may have fewer, or none, and a next one.

        Raises:
            InvalidRequest: the cursor is not from a page.
            StorageUnavailable: the store does not answer.
        """
        found = await self._reader.page(EntryFilter(symbol=symbol, given=True, scored=True), limit, cursor)
        records = [record for record in found.records if record.entry.origin.of_analysis]
        analyses = await asyncio.gather(*map(self._read, records))
        return PastAnalysesPage(list(analyses), found.next)

    async def _read(self, record: LedgerRecord) -> PastAnalysis:
        return PastAnalysis(record, await self._archive.archived_analysis(record.entry.answer_id))
