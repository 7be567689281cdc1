"""What is asked of the scores."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from domain.ledger.entries import HORIZONS, PLAN, LedgerLane

DEFAULT_DAYS = 30
MAX_DAYS = 400
# Horizons by their names in queries.
HorizonName = Literal["1", "4", "12", "24", "plan"]
HORIZON_NAMES: dict[str, int] = {**{str(horizon): horizon for horizon in HORIZONS}, "plan": PLAN}


class Grouping(StrEnum):
    """What records are told apart by, beside lane, timeframe and horizon."""

    LANE = "lane"
    SYMBOL = "symbol"
    SIDE = "side"
    VERSION = "version"
    CONFIDENCE = "confidence"
    DAY = "day"


@dataclass(frozen=True)
class RecordQuery:
    """Which records; None: every one.

    Attributes:
        days: UTC days up to today.
    """

    days: int
    group: Grouping = Grouping.LANE
    lane: LedgerLane | None = None
    symbol: str | None = None
    timeframe: str | None = None
    horizon: int | None = None
    lane_id: str | None = None
