"""One table for a market: learners of several studies on the same candles, each beside logistic regression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from domain.errors import InvalidRequest
from domain.market import CandleSeries
from models.evaluation.gate import PromotionGate
from models.evaluation.time_axis import TimeAxis
from models.studies.rows import StudyResult, StudyRow

REFERENCE_ROW = "logistic"


@dataclass(frozen=True)
class MarketTable:
    """The rows of a market; times are those of the first and the last judged candle."""

    symbol: str
    rows: tuple[StudyRow, ...]
    first_ms: int
    last_ms: int


def market_table(
    symbol: str, series: CandleSeries, studies: Mapping[str, StudyResult], gate: PromotionGate
) -> MarketTable:
    """Return the rows of several studies for one of their markets, scored and compared on its candles alone.

    Args:
        symbol: The market.
        series: Its candles.
        studies: By what is added to the names of their rows; the first has the logistic regression of the market alone,
            with which all are compared.
        gate: Draws the intervals and compares.

    Raises:
        InvalidRequest: the first study has no logistic regression.
    """
    axis = TimeAxis.of({symbol: series})
    rows = [
        replace(row, name=f"{row.name}{suffix}".strip(), said=axis.load(found.axis.dump(row.said)))
        for suffix, found in studies.items()
        for row in found.rows
        if row.said is not None
    ]
    logistic = next((row.said for row in rows if row.name == REFERENCE_ROW), None)
    if logistic is None:
        raise InvalidRequest("the first study has to have logistic regression")
    scored = [
        replace(
            row,
            scores=row.said.scores(gate.resampling),
            against_logistic=None
            if row.said is logistic
            else gate.compare(row.name, row.said, "logistic regression", logistic),
        )
        for row in rows
        if row.said is not None
    ]
    first_ms, last_ms = axis.times_ms(logistic.rows[[0, -1]]).tolist()
    return MarketTable(symbol, tuple(scored), first_ms, last_ms)
