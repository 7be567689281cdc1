"""The settled forecasts of a version of a model that forecasts the next candle, from the ledger."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from domain.ledger.entries import NEXT_CANDLE, LedgerLane
from services.ledger.recording.lane_identities import CALIBRATED_AT
from storage.document_ports import LEDGER_LANES, DocumentStore
from storage.ledger_ports import EntryFilter, LedgerStore

_MAX_LANES = 1_000
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class SettledForecast:
    """What a version said of a candle, and the outcome.

    Attributes:
        symbol: The market.
        closed_ms: Close of the candle at which it was said, epoch ms.
        probability_up: As it was stated, 0..1.
        rose: Whether the close that it speaks of, by the model's horizon, was higher.
        calibrated_at: When the calibration by which it was stated was renewed, epoch ms; None by that of the training.
    """

    symbol: str
    closed_ms: int
    probability_up: float
    rose: bool
    calibrated_at: int | None


# By symbol and close: when it was known, and what was said.
_First = dict[tuple[str, int], tuple[int, SettledForecast]]


async def settled_forecasts(
    ledger: LedgerStore,
    documents: DocumentStore,
    version: str,
    most: int,
    since_ms: int | None = None,
    lanes: Collection[LedgerLane] = (LedgerLane.MODEL,),
) -> list[SettledForecast]:
    """Return at most `most` newest settled forecasts of a version, each candle of a market once, the oldest first.

    A new release of the service, or another calibration, begins a new record of the lane; to the model that makes no
    difference, so all records of the version count. Entries that are kept apart, of strangers, synthetic or stale
    candles, never do.

    Args:
        ledger: Has the entries.
        documents: Has the identities of the lanes.
        version: Of the model.
        most: Of each record and in all.
        since_ms: Those that were known then or later, epoch ms; None has no beginning.
        lanes: That count: of the model in production, and of a candidate beside it.

    Raises:
        StorageUnavailable: ledger or documents do not answer.
    """
    first: _First = {}
    for lane in lanes:
        for known in await documents.newest(LEDGER_LANES, _MAX_LANES, {"lane": lane.value}):
            if known["parts"].get("model") == version:
                wanted = EntryFilter(lane=lane.value, lane_id=known["lane_id"], scored=True, since_ms=since_ms)
                await _read(ledger, wanted, known["parts"].get(CALIBRATED_AT), most, first)
    found = sorted((said for _, said in first.values()), key=lambda said: said.closed_ms)
    return found[-most:]


async def _read(ledger: LedgerStore, wanted: EntryFilter, calibrated_at: int | None, most: int, first: _First) -> None:
    before: tuple[int, str] | None = None
    read = 0
    while read < most:
        page = await ledger.entries(wanted, min(_PAGE, most - read), before)
        for record in page:
            entry = record.entry
            settled = next((one for one in record.settlements if one.horizon == NEXT_CANDLE), None)
            if entry.probability_up is None or settled is None or not settled.move:
                continue  # an unchanged price is neither a rise nor a fall
            said = SettledForecast(entry.symbol, entry.closed_ms, entry.probability_up, settled.move > 0, calibrated_at)
            key = entry.symbol, entry.closed_ms
            # Of forecasts of one candle the first counts, as in the figures of the ledger.
            if key not in first or entry.known_ms < first[key][0]:
                first[key] = entry.known_ms, said
        if len(page) < _PAGE:
            return
        read += len(page)
        before = page[-1].entry.known_ms, page[-1].entry.id
