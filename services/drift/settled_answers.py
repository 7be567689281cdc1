"""The settled answers of a version of a model, from the ledger."""

from __future__ import annotations

from domain.ledger.entries import LedgerLane
from models.drift.verdicts import SettledAnswer
from storage.document_ports import LEDGER_LANES, DocumentStore
from storage.ledger_ports import EntryFilter, LedgerStore

_MAX_LANES = 1_000
_PAGE = 1_000
# `LedgerEntry.probability_up` is that of the next candle.
_NEXT_CANDLE = 1


async def settled_answers(
    ledger: LedgerStore, documents: DocumentStore, version: str, most: int
) -> list[SettledAnswer]:
    """Return at most `most` newest settled answers of a version's model lane, each candle of a market once.

    A new release of the service begins a new record of the lane; to the model that makes no difference, so all records
    of the version count. Entries that are kept apart, of strangers, synthetic or stale candles, never do.

    Raises:
        StorageUnavailable: ledger or documents do not answer.
    """
    lanes = await documents.newest(LEDGER_LANES, _MAX_LANES, {"lane": LedgerLane.MODEL.value})
    first: dict[tuple[str, int], tuple[int, SettledAnswer]] = {}
    for lane in lanes:
        if lane["parts"].get("model") == version:
            await _read(ledger, lane["lane_id"], most, first)
    answers = sorted((answer for _, answer in first.values()), key=lambda answer: answer.closed_ms)
    return answers[-most:]


async def _read(
    ledger: LedgerStore, lane_id: str, most: int, first: dict[tuple[str, int], tuple[int, SettledAnswer]]
) -> None:
    wanted = EntryFilter(lane=LedgerLane.MODEL.value, lane_id=lane_id, scored=True)
    before: tuple[int, str] | None = None
    read = 0
    while read < most:
        page = await ledger.entries(wanted, min(_PAGE, most - read), before)
        for record in page:
            entry = record.entry
            settled = next((one for one in record.settlements if one.horizon == _NEXT_CANDLE), None)
            if entry.probability_up is None or settled is None or not settled.move:
                continue  # an unchanged price is neither a rise nor a fall
            answer = SettledAnswer(entry.closed_ms, entry.probability_up, settled.move > 0)
            key = entry.symbol, entry.closed_ms
            # Of answers about one candle the first counts, as in the figures of the ledger.
            if key not in first or entry.known_ms < first[key][0]:
                first[key] = entry.known_ms, answer
        if len(page) < _PAGE:
            return
        read += len(page)
        before = page[-1].entry.known_ms, page[-1].entry.id
