"""The past of a market: its newest candles, and what was said of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.dependencies import DefaultLimit
from api.parts import NewestCandlesPart, PastAnalysesPart
from api.routes.packed import PackedRoute
from api.schemas.problems import problem_responses
from api.schemas.record.past import CandlesAnswer, PastAnalysesAnswer
from domain.market import Timeframe
from domain.naming.symbols import SymbolName
from services.newest_candles import MAX_CANDLES

# Each is a look into the archive.
MAX_ANALYSES = 100

router = APIRouter(prefix="/ai", tags=["insights"], dependencies=[DefaultLimit], route_class=PackedRoute)


@router.get(
    "/candles/{symbol}",
    operation_id="candles",
    summary="The newest closed candles of a market",
    responses=problem_responses(404, 503),
)
async def candles(
    symbol: SymbolName,
    newest: NewestCandlesPart,
    timeframe: Timeframe = Timeframe.H1,
    limit: Annotated[int, Query(ge=1, le=MAX_CANDLES)] = 300,
    indicators: Annotated[
        str, Query(max_length=400, description="Names with commas between: rsi,macd,ema_21,bollinger_upper.")
    ] = "",
) -> CandlesAnswer:
    """Show posted candles where they are fresh, else those of the first source that has usable ones.

    `source_data` says whose they are, `stale` whether they are too old for a signal.
    """
    return CandlesAnswer.of(await newest.of(symbol, timeframe, limit, [name for name in indicators.split(",") if name]))


@router.get(
    "/analyses",
    operation_id="analyses",
    summary="Past analyses of a market, the newest first",
    responses=problem_responses(503),
)
async def analyses(
    past: PastAnalysesPart,
    symbol: SymbolName,
    limit: Annotated[int, Query(ge=1, le=MAX_ANALYSES)] = 50,
    cursor: Annotated[str | None, Query(max_length=160)] = None,
) -> PastAnalysesAnswer:
    """List what callers were given, each with its entry in the ledger and its settlements so far.

    Analyses of strangers' candles, and of synthetic, old or contradicted ones, are left out.
    """
    return PastAnalysesAnswer.of(await past.page(symbol, limit, cursor))
