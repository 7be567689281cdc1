"""Lanes beside each other: their records, what they cost, and whether a paid one is still asked each time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from zlib import crc32

from config.ledger_settings import LedgerSettings
from domain.errors import StorageUnavailable
from domain.ledger.entries import LONGEST_HORIZON, NEXT_CANDLE, PLAN, LedgerLane
from domain.trading.evidence import LIFT
from services.health.degraded import Degraded
from services.ledger.scoring.pairs import LanePair
from services.ledger.scoring.queries import Grouping, RecordQuery
from services.ledger.scoring.records import Record
from services.ledger.scoring.scores import LedgerScores

# Lanes are judged by what they did in these days, so that calls of long ago do not keep a lane out.
TRIAL_DAYS = 90
# In that time plans of slow candles are too few clusters for any verdict: then the longest horizon tells lift.
_JUDGED = (PLAN, LONGEST_HORIZON)
_CRC_RANGE = 2**32
_REVIEW_SECONDS = 300.0


@dataclass(frozen=True)
class LaneCost:
    """What a lane cost, against what it brought at one horizon; None where it brought nothing.

    Attributes:
        answers: Answers whose cost is known, Neutral ones and repeated moments included.
        cost_usd: Of these.
        right_above_base: Hits less those that the better of always Long and always Short would have had.
        net_bps: Sum of the results after costs of all counted calls.
    """

    timeframe: str
    horizon: int
    answers: int
    cost_usd: float
    usd_per_answer: float
    right_above_base: float
    usd_per_right_above_base: float | None
    net_bps: float
    usd_per_net_bps: float | None


def costs_of(records: Sequence[Record]) -> list[LaneCost]:
    """Return what a lane cost and brought, at each horizon of each timeframe that has paid answers.

    The cost is that of all answers in the stretches of one candle: every answer is settled there.
    """
    paid = {record.key.timeframe: record for record in records if record.key.horizon == NEXT_CANDLE and record.paid}
    return [_cost(paid[record.key.timeframe], record) for record in records if record.key.timeframe in paid]


def _cost(paid: Record, record: Record) -> LaneCost:
    right = record.hits - max(record.rises, record.falls)
    net = (record.net_bps or 0.0) * record.count
    return LaneCost(
        timeframe=record.key.timeframe,
        horizon=record.key.horizon,
        answers=paid.paid,
        cost_usd=paid.cost_usd,
        usd_per_answer=paid.cost_usd / paid.paid,
        right_above_base=right,
        usd_per_right_above_base=paid.cost_usd / right if right > 0 else None,
        net_bps=net,
        usd_per_net_bps=paid.cost_usd / net if net > 0 else None,
    )


class LaneGate:
    """Decides whether a paid lane is asked: each time on trial or with lift, else for a share of the candles.

    Attributes:
        calls: Settled plans of the lane's present version.
        sampling: Whether it is asked for a share only.
    """

    def __init__(self, lane: LedgerLane, trial_calls: int, sample_share: float) -> None:
        """Begin on trial.

        Args:
            lane: Whose calls these are.
            trial_calls: Settled plans after which lift is expected.
            sample_share: Share of candles, 0 to 1, for which a lane without lift is asked.
        """
        self.lane = lane
        self.calls = 0
        self.sampling = False
        self.trial_calls = trial_calls
        self.sample_share = sample_share

    def judge(self, versions: Sequence[Record]) -> None:
        """Judge the lane by its records; it samples when its plans are enough, and no record has lift.

        Args:
            versions: Records of the lane, by lane_id, timeframe and horizon: its plans, and the longest horizon. The
                version whose plans began last is the present one.
        """
        plans = [record for record in versions if record.key.horizon == PLAN]
        present = max(plans, key=lambda record: (record.first_day, record.last_day), default=None)
        own = [
            record
            for record in versions
            if present and record.key.lane_id == present.key.lane_id and record.key.horizon in _JUDGED
        ]
        self.calls = sum(record.count for record in own if record.key.horizon == PLAN)
        self.sampling = self.calls >= self.trial_calls and not any(record.verdict in LIFT for record in own)

    def asks(self, symbol: str, closed_ms: int) -> bool:
        """Return whether the lane is asked about a candle; the same for all requests about it."""
        return not self.sampling or crc32(f"{symbol} {closed_ms}".encode()) < self.sample_share * _CRC_RANGE

    @property
    def reason(self) -> str:
        """Why it is not asked, in words."""
        return (
            f"{self.calls} settled plans of the {self.lane} lane show no lift, so it is asked about "
            f"{self.sample_share:.0%} of the candles"
        )

    def degraded(self) -> Iterator[Degraded]:
        """Yield the lane while it is sampled."""
        if self.sampling:
            remedy = "see /ai/lanes; it is asked each time again when its plans show lift, or as another version"
            yield Degraded(f"lane.{self.lane}", self.reason, remedy)


class LaneWatch:
    """The lanes' records and pairs, and the gate of the LLM, which follows its records."""

    def __init__(self, scores: LedgerScores, settings: LedgerSettings) -> None:
        """Keep the scores, and begin with the LLM on trial."""
        self._scores = scores
        self.gate = LaneGate(LedgerLane.LLM, settings.lane_trial_calls, settings.lane_sample_share)

    async def records(self, days: int) -> dict[LedgerLane, list[Record]]:
        """Return the records of each lane.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        found = await self._scores.track_record(RecordQuery(days))
        return {lane: [record for record in found if record.key.lane == lane] for lane in LedgerLane}

    async def pairs(self, days: int) -> list[LanePair]:
        """Return each two lanes on the same candles; raises as `records`."""
        return await self._scores.pairs(days)

    async def review(self) -> None:
        """Judge the LLM's lane by its record; raises as `records`."""
        query = RecordQuery(TRIAL_DAYS, Grouping.VERSION, lane=self.gate.lane)
        self.gate.judge(await self._scores.track_record(query))

    async def run(self) -> None:
        """Review the lane again and again; while the store is down its last review stands."""
        while True:
            with suppress(StorageUnavailable):  # /health names the store
                await self.review()
            await asyncio.sleep(_REVIEW_SECONDS)
