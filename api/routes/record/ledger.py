"""The ledger: every answer of every lane, its settlements, and the proof that it was not changed since."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.dependencies import DefaultLimit
from api.parts import LedgerPart, ParityPart
from api.schemas.problems import problem_responses
from api.schemas.record.ledger import EntryAnswer, EntryPage, LedgerDays, ProofAnswer
from api.schemas.record.parity import ParityCertificates
from api.schemas.requests import EpochMs
from domain.ledger.days import ExportForm
from domain.ledger.entries import EntryKind, LedgerLane, Origin
from domain.market import Timeframe
from domain.naming.symbols import SymbolName
from domain.values import Signal, TextForm
from storage.ledger_ports import EntryFilter

MAX_ENTRIES = 500
MAX_DAYS = 400

router = APIRouter(prefix="/ai/ledger", tags=["ledger"])
EntryId = Annotated[
    str, Path(max_length=120), TextForm(r"^[\x21-\x7e]+$", "needs the id of an entry, as GET /ai/ledger lists it")
]
LaneId = Annotated[str, TextForm("^[0-9a-f]{12}$", "needs 12 digits and letters a to f, as GET /ai/lanes lists them")]


_MEDIA = {ExportForm.NDJSON: "application/x-ndjson", ExportForm.PARQUET: "application/vnd.apache.parquet"}


@router.get(
    "",
    operation_id="ledger",
    summary="Entries of the ledger, the newest first",
    responses=problem_responses(400, 503),
    dependencies=[DefaultLimit],
)
async def entries(
    reader: LedgerPart,
    lane: LedgerLane | None = None,
    lane_id: LaneId | None = None,
    symbol: SymbolName | None = None,
    timeframe: Timeframe | None = None,
    side: Signal | None = None,
    kind: EntryKind | None = None,
    origin: Origin | None = None,
    given: bool | None = None,
    scored: bool | None = None,
    since: EpochMs | None = None,
    until: EpochMs | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_ENTRIES)] = 50,
    cursor: Annotated[str | None, Query(max_length=160)] = None,
) -> EntryPage:
    """List what was said: every filter narrows, `next` of a page is the `cursor` of the one after it."""
    wanted = EntryFilter(lane, lane_id, symbol, timeframe, side, kind, origin, given, scored, since, until)
    return EntryPage.of(await reader.page(wanted, limit, cursor))


@router.get(
    "/days",
    operation_id="ledger_days",
    summary="Closed days and their roots",
    responses=problem_responses(503),
    dependencies=[DefaultLimit],
)
async def days(reader: LedgerPart, limit: Annotated[int, Query(ge=1, le=MAX_DAYS)] = 30) -> LedgerDays:
    """List the newest closed days; each root is also announced on `/ws` when its day is closed."""
    return LedgerDays.of(await reader.days(limit))


@router.get(
    "/export",
    operation_id="ledger_export",
    summary="A whole day, to be checked by anyone",
    responses={
        200: {"content": {media: {"schema": {"type": "string", "format": "binary"}} for media in _MEDIA.values()}},
        **problem_responses(404, 503),
    },
    response_class=Response,
    dependencies=[DefaultLimit],
)
async def export(
    reader: LedgerPart,
    day: Annotated[date, Query(description="UTC day, YYYY-MM-DD.")],
    form: Annotated[ExportForm, Query(alias="format")] = ExportForm.NDJSON,
) -> Response:
    """Give a day's entries, their settlements so far and, where the day is closed, its proof.

    `cli.py ledger verify` computes the root again, `cli.py ledger regrade` the settlements.
    """
    exported = await reader.export(day)
    content = await run_in_threadpool(exported.content, form)
    name = f'attachment; filename="ledger-{day.isoformat()}.{form}"'
    return Response(content, media_type=_MEDIA[form], headers={"content-disposition": name})


@router.get(
    "/parity",
    operation_id="ledger_parity",
    summary="How far replays are from what was said",
    responses=problem_responses(503),
    dependencies=[DefaultLimit],
)
async def parity(nightly: ParityPart, limit: Annotated[int, Query(ge=1, le=MAX_DAYS)] = 30) -> ParityCertificates:
    """List the newest certificates: each night answers of the day before are replayed and compared with its entries."""
    return ParityCertificates.of(await nightly.newest(limit))


@router.get(
    "/{entry_id}",
    operation_id="ledger_entry",
    summary="One entry",
    responses=problem_responses(404, 503),
    dependencies=[DefaultLimit],
)
async def entry(entry_id: EntryId, reader: LedgerPart) -> EntryAnswer:
    """Return an entry with its settlements so far."""
    return EntryAnswer.of(await reader.record(entry_id))


@router.get(
    "/{entry_id}/proof",
    operation_id="ledger_proof",
    summary="Proof that an entry was not changed",
    responses=problem_responses(404, 409, 503),
    dependencies=[DefaultLimit],
)
async def proof(entry_id: EntryId, reader: LedgerPart) -> ProofAnswer:
    """Return the path from the entry to the root of its day; 409 until its day is closed."""
    return ProofAnswer.of(await reader.proof(entry_id))
