"""Entries of the ledger: one answer of one lane at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.analysis import DataSource
from domain.market import Timeframe
from domain.values import Signal

# Horizons at which an entry is settled, in candles of its timeframe; PLAN is that of its trade plan.
HORIZONS = (1, 4, 12, 24)
PLAN = 0
# The horizon of the probability that an entry of a model states.
NEXT_CANDLE = HORIZONS[0]
LONGEST_HORIZON = HORIZONS[-1]


class LedgerLane(StrEnum):
    """Who said it; a blend is rules and model together, a shadow the candidate beside the model in production."""

    RULES = "rules"
    MODEL = "model"
    LLM = "llm"
    BLEND = "blend"
    SHADOW = "shadow"


class Origin(StrEnum):
    """Why it was said: a request for an analysis, the loop, a request for signals, a forecast or a trend."""

    API = "api"
    LOOP = "loop"
    STREAM = "stream"
    PREDICT = "predict"
    TREND = "trend"

    @property
    def of_analysis(self) -> bool:
        """Whether an analysis was asked for, which is archived; signals of a batch, forecasts and trends are none."""
        return self in {Origin.API, Origin.LOOP}


class EntryKind(StrEnum):
    """What an entry is: a side, or one of the three reasons for none (`domain/trading/gates.Abstention`)."""

    SIDE = "side"
    NO_EDGE = "no edge"
    NO_DATA = "no data"
    REFUSED = "refused"


class Settleable(Protocol):
    """What is settled by candles: a price at a close, and a trade plan where one hangs on it."""

    @property
    def id(self) -> str: ...
    @property
    def symbol(self) -> str: ...
    @property
    def timeframe(self) -> Timeframe: ...
    @property
    def closed_ms(self) -> int: ...
    @property
    def known_ms(self) -> int: ...
    @property
    def price(self) -> float: ...
    @property
    def horizon_candles(self) -> int | None: ...


class Apart(StrEnum):
    """Why an entry is never scored with the others."""

    STRANGER = "stranger"
    SYNTHETIC = "synthetic"
    STALE = "stale"
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One answer of one lane, as it was given; it never changes.

    Attributes:
        id: Id of the answer and the lane's name, so that saving it again changes nothing.
        lane_id: Hash of what makes the lane answer as it does (code, settings, evidence, model, prompt), 12 hex digits:
            a change starts a new record.
        symbol, timeframe: Market.
        closed_ms: Close of the newest closed candle of the timeframe, in epoch ms: what was known of the market.
        known_ms: When it was said, by the server's clock, in epoch ms.
        kind: A side, or why there is none.
        side: Long or Short, Neutral without a side.
        price: At which it was said.
        stop, target: Prices of the trade plan; both None where there is none.
        horizon_candles: Time limit of the plan, None without one.
        target_first: Stated probability that the target comes before stop and time limit.
        probability_up: Stated probability of a model that the next candle closes higher.
        confidence: 0 to 1.
        cost_bps: Stated costs of the plan's round trip.
        given: Whether the caller got this answer; the other lanes stand beside it.
        cost_usd: What the LLM cost; None where that is not known.
        source_data: Where the candles came from.
        apart: Why it is never scored; None: it is.
        request_id: Of the request, None of the service's own work; never published.
    """

    id: str
    lane: LedgerLane
    lane_id: str
    origin: Origin
    symbol: str
    timeframe: Timeframe
    closed_ms: int
    known_ms: int
    kind: EntryKind
    side: Signal
    price: float
    stop: float | None
    target: float | None
    horizon_candles: int | None
    target_first: float | None
    probability_up: float | None
    confidence: float
    cost_bps: float
    given: bool
    cost_usd: float | None
    source_data: DataSource
    apart: Apart | None
    request_id: str | None

    @property
    def answer_id(self) -> str:
        """Id of the answer, that of the analysis where it is one."""
        return self.id.partition(".")[0]

    @property
    def scored(self) -> bool:
        """Whether it counts in the figures."""
        return self.apart is None

    @property
    def has_plan(self) -> bool:
        """Whether it proposes a trade."""
        return self.stop is not None and self.target is not None and self.horizon_candles is not None

    @property
    def horizons(self) -> tuple[int, ...]:
        """The horizons at which it is settled; none of one that is kept apart."""
        if not self.scored:
            return ()
        return (*HORIZONS, PLAN) if self.has_plan else HORIZONS

    def slot(self, horizon: int) -> int:
        """Return the number of the stretch of time, `horizon` candles long, in which it was said.

        Only the first entry of a lane, market and stretch counts, so that no move is counted twice, and entries of one
        stretch count as one cluster, so that markets that move together do not count as many. The cluster of a plan is
        longer than its stretch, as plans stay open (`scoring.clusters.span_of_plans`).
        """
        return self.closed_ms // (stretch_candles(horizon) * self.timeframe.ms)


def stretch_candles(horizon: int) -> int:
    """Return how many candles the stretches of a horizon have; those of plans are as long as the longest horizon."""
    return LONGEST_HORIZON if horizon == PLAN else horizon


# Fields whose values are words, by the words that they may be.
ENUMERATIONS: Mapping[str, type[StrEnum]] = {
    "lane": LedgerLane,
    "origin": Origin,
    "timeframe": Timeframe,
    "kind": EntryKind,
    "side": Signal,
    "source_data": DataSource,
    "apart": Apart,
}
