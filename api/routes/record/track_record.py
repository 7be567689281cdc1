"""The track record of the lanes: figures, pictures, and the lanes beside each other."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from api.dependencies import DefaultLimit
from api.parts import LanesPart, LaneVersionsPart, OutlooksPart, ScoresPart
from api.schemas.problems import problem_responses
from api.schemas.record.lanes import BandFigures, LaneFigures, LanesResponse, PairFigures
from api.schemas.record.track_record import RecordFigures, TrackRecord
from domain.ledger.entries import LedgerLane
from domain.market import Timeframe
from domain.naming.symbols import SymbolName
from services.ledger.pictures.calibration import calibration_picture
from services.ledger.pictures.track_record import track_record_picture
from services.ledger.scoring.queries import DEFAULT_DAYS, HORIZON_NAMES, MAX_DAYS, Grouping, HorizonName, RecordQuery

router = APIRouter(prefix="/ai", tags=["ledger"])
SVG = "image/svg+xml"
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {SVG: {"schema": {"type": "string"}}}, "description": "The picture."}
}

Days = Annotated[int, Query(ge=1, le=MAX_DAYS, description="UTC days up to today.")]


async def _query(
    days: Days = DEFAULT_DAYS,
    group: Annotated[Grouping, Query(description="By what records are told apart, beside lane and horizon.")] = (
        Grouping.LANE
    ),
    lane: LedgerLane | None = None,
    symbol: SymbolName | None = None,
    timeframe: Timeframe | None = None,
    horizon: Annotated[HorizonName | None, Query(description="In candles, or the trade plan's.")] = None,
) -> RecordQuery:
    wanted = HORIZON_NAMES[horizon] if horizon is not None else None
    return RecordQuery(days, group, lane, symbol, timeframe, wanted)


RecordQueryPart = Annotated[RecordQuery, Depends(_query)]


@router.get(
    "/track-record",
    operation_id="track_record",
    summary="Results of each lane's calls",
    responses=problem_responses(422, 503),
    dependencies=[DefaultLimit],
)
async def track_record(scores: ScoresPart, query: RecordQueryPart) -> TrackRecord:
    """Return the records of settled calls by lane, timeframe, horizon and group, with intervals and verdicts."""
    records = await scores.track_record(query)
    return TrackRecord(
        days=query.days, group=query.group, count=len(records), records=[RecordFigures.of(record) for record in records]
    )


@router.get(
    "/track-record.svg",
    operation_id="track_record_picture",
    summary="The track record as a picture",
    responses=problem_responses(422, 503) | _PICTURE,
    response_class=Response,
    dependencies=[DefaultLimit],
)
async def track_record_svg(scores: ScoresPart, query: RecordQueryPart) -> Response:
    """Return hit rates with their intervals and base rates as SVG, the same in words in its description."""
    return Response(track_record_picture(await scores.track_record(query), query.days), media_type=SVG)


@router.get(
    "/calibration.svg",
    operation_id="calibration_picture",
    summary="Stated probabilities against what occurred, as a picture",
    responses=problem_responses(422, 503) | _PICTURE,
    response_class=Response,
    dependencies=[DefaultLimit],
)
async def calibration_svg(
    scores: ScoresPart, days: Days = DEFAULT_DAYS, lane: LedgerLane | None = None, timeframe: Timeframe | None = None
) -> Response:
    """Return reliability diagrams as SVG, the same in words in its description."""
    records = await scores.calibration(RecordQuery(days, lane=lane, timeframe=timeframe))
    return Response(calibration_picture(records, days), media_type=SVG)


@router.get(
    "/lanes",
    operation_id="lanes",
    summary="The lanes beside each other",
    responses=problem_responses(422, 503),
    dependencies=[DefaultLimit],
)
async def compared_lanes(
    lanes: LanesPart, scores: ScoresPart, versions: LaneVersionsPart, outlooks: OutlooksPart, days: Days = DEFAULT_DAYS
) -> LanesResponse:
    """Return each lane's records, costs, calibration and versions, what each adds to another, and how bands held."""
    records, pairs = await lanes.records(days), await lanes.pairs(days)
    calibration = await scores.calibration(RecordQuery(days))
    return LanesResponse(
        days=days,
        lanes=[
            LaneFigures.of(lane, own, calibration, lanes.gate, await versions.of(lane)) for lane, own in records.items()
        ],
        pairs=[PairFigures.of(pair) for pair in pairs],
        price_bands=[BandFigures.of(records) for records in await outlooks.bands.coverage(days)],
    )
