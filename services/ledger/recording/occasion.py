"""Entries of the ledger, made of what was said and of the occasion on which it was said."""

from __future__ import annotations

from typing import NamedTuple

from domain.analysis import DataSource
from domain.ledger.entries import Apart, LedgerEntry, Origin
from domain.market import Timeframe
from rules.evidence.measured import MeasuredEvidence
from services.ledger.recording.lane_identities import LaneIdentities
from services.ledger.recording.statements import Statement


class Occasion(NamedTuple):
    """What the entries of one answer have in common.

    Attributes:
        times: How many times the answer was written down before.
        closed_ms: Close of the newest closed candle, epoch ms.
        cost_bps: Of a round trip.
        weighed_by: The evidence of its plan, and the plan model.
    """

    answer_id: str
    times: int
    origin: Origin
    symbol: str
    timeframe: Timeframe
    closed_ms: int
    price: float
    cost_bps: float
    weighed_by: tuple[MeasuredEvidence | None, str | None]
    source_data: DataSource
    apart: Apart | None

    def entry(
        self, said: Statement, identities: LaneIdentities, now_ms: int, asked_by: str | None, *, delivered: bool
    ) -> LedgerEntry:
        """Return the entry of one statement.

        Args:
            said: The statement.
            identities: Give the id of its lane.
            now_ms: When it becomes known, epoch ms.
            asked_by: Id of the request; None without one.
            delivered: False where a filter of signals withheld the answer.
        """
        return LedgerEntry(
            id=entry_id(self.answer_id, said.lane, self.times),
            lane=said.lane,
            lane_id=identities.id_of(said.lane, said.by, self.origin, *self.weighed_by, said.calibrated_at),
            origin=self.origin,
            symbol=self.symbol,
            timeframe=self.timeframe,
            closed_ms=self.closed_ms,
            known_ms=now_ms,
            price=self.price,
            cost_bps=self.cost_bps,
            given=said.given and delivered,
            source_data=self.source_data,
            apart=self.apart,
            request_id=asked_by,
            **said.entry_fields(),
        )


def entry_id(answer_id: str, lane: str, times: int = 0) -> str:
    """Return the id of an entry; that of an answer which is written down again ends with its number."""
    return f"{answer_id}.{lane}" if not times else f"{answer_id}.{lane}.{times + 1}"
