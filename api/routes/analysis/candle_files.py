"""Files of candles over HTTP: what is in them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.dependencies import AnalyzeLimit, FileBody
from api.parts import CandleFilesPart
from api.schemas.analysis.candle_files import ReadCandlesAnswer
from api.schemas.problems import problem_responses
from domain.market import Timeframe
from services.candle_files.reader import MAX_CANDLES

router = APIRouter(prefix="/ai", tags=["analysis"])


@router.post(
    "/candles/read",
    operation_id="read_candles",
    summary="The candles of a file",
    responses=problem_responses(503),
    dependencies=[AnalyzeLimit],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in FileBody.types},
        }
    },
)
async def read(
    content: Annotated[bytes, Depends(FileBody())],
    files: CandleFilesPart,
    name: Annotated[str, Query(max_length=200, description="Of the file: a hint of the market in it.")] = "",
    symbol: Annotated[
        str | None, Query(min_length=1, max_length=60, description="The market, where the file has several.")
    ] = None,
    timeframe: Annotated[Timeframe | None, Query(description="Where the file has several.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_CANDLES, description="Most candles of the answer, the newest.")] = 1000,
) -> ReadCandlesAnswer:
    """Read a file of any kind that docs/files.md names: CSV, JSON, Parquet, Feather, exports of exchanges and brokers.

    The content decides how it is read. Nothing of it is kept. A file with several markets or timeframes is answered
    with `choose`, without candles.
    """
    return ReadCandlesAnswer.of(await files.read(content, name, symbol, timeframe, limit))
