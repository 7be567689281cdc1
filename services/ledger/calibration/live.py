"""Calibration while the service runs: refits are made, judged and put in the place of the record in use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import NoReturn

from loguru import logger

from backtesting.evidence.samples import MeasuredPlans
from domain.ledger.entries import LedgerLane
from rules.evidence.measured import MeasuredEvidence, TimeframeRecord
from services.evidence.in_use import EvidenceInUse
from services.leases import Lease
from services.ledger.calibration.choice import gain_of
from services.ledger.calibration.refits import Refit, RefitState, evidence_history, fit, on_trial
from services.ledger.calibration.stated_plans import FirstPlans
from services.ledger.recording.lane_identities import PLAN_MODEL, digest
from storage.document_ports import EVIDENCE_REFITS, LEDGER_LANES, DocumentStore
from storage.ledger_ports import EntryFilter, LedgerStore
from utils.clock import Clock
from utils.concurrency import Pause, look_again

# Replicas take over what one of them has adopted within this time, where they are not told at once.
LOOK_SECONDS = 30.0
DECIDE_EVERY = timedelta(days=1)
RENEW_AFTER = timedelta(days=30)
MAX_REFITS = 1_000
_MAX_LANES = 1_000
_PAGE = 5_000


class LiveCalibration:
    """Keeps the evidence in use in step with what the ledger has settled."""

    def __init__(
        self,
        evidence: EvidenceInUse,
        ledger: LedgerStore,
        documents: DocumentStore,
        lease: Lease,
        clock: Clock,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        """Keep the parts.

        Args:
            evidence: In use; its weigher is replaced.
            ledger: Has the settled plans.
            documents: Have the refits.
            lease: Lets one replica decide at a time.
            clock: The server's.
            announce: Lets other replicas take over at once what is adopted here.
        """
        self._evidence = evidence
        self._ledger = ledger
        self._documents = documents
        self._lease = lease
        self._clock = clock
        self._pause = Pause()
        self._announce = announce
        self._decided_at: datetime | None = None
        shipped = evidence.shipped.evidence
        self._base = digest(shipped.model_dump(mode="json")) if shipped else ""

    async def run(self) -> NoReturn:
        """Follow the adopted refits, and decide once a day; while the store is down, try again."""
        await look_again(self.look, partial(self._pause.wait, LOOK_SECONDS), "refitting the evidence")

    def look_soon(self) -> None:
        """Take over at once what another replica has adopted."""
        self._pause.end()

    async def look(self) -> None:
        """Take over what was adopted, and decide where a day has passed and no other replica is at it.

        Raises:
            StorageUnavailable: the store is down.
        """
        await self.take_over()
        now = self._clock.now()
        if (self._decided_at is None or now - self._decided_at >= DECIDE_EVERY) and await self._lease.take():
            await self.decide()
            self._decided_at = now
            await self._lease.give_up()

    async def refits(self, limit: int) -> list[Refit]:
        """Return the refits of the evidence file in use, the newest first; raises as `look`."""
        found = await self._documents.newest(EVIDENCE_REFITS, limit, {"base": self._base})
        return [Refit.read(document) for document in found]

    async def take_over(self) -> None:
        """Weigh by the file's evidence with the adopted refits in their places; raises as `look`."""
        shipped = self._evidence.shipped.evidence
        if shipped is None:
            return
        evidence = (await self._history(shipped))[-1]
        if evidence != self._evidence.weigher.evidence:
            self._evidence.weigher = replace(self._evidence.shipped, evidence=evidence)

    async def decide(self) -> None:
        """Judge the refits of each timeframe, and fit a new one where all are older than 30 days; raises as `look`."""
        shipped = self._evidence.shipped.evidence
        if shipped is None:
            return
        known, history = await self.refits(MAX_REFITS), await self._history(shipped)
        lanes = await self._documents.newest(LEDGER_LANES, _MAX_LANES, {"lane": LedgerLane.RULES.value})
        for record in history[-1].records:
            if not record.weight:
                continue  # what it states is chance alone, whatever the trend
            stated = {digest(evidence.model_dump(mode="json")) for evidence in history if record in evidence.records}
            own = [lane for lane in lanes if PLAN_MODEL not in lane["parts"]]
            lane_ids = [lane["lane_id"] for lane in own if lane["parts"]["evidence"] in stated]
            plans = await self._plans(record, lane_ids)
            refits = [refit for refit in known if refit.timeframe is record.timeframe]
            of_file = next(other for other in shipped.records if other.timeframe is record.timeframe)
            await self._decide_on(record, of_file, refits, plans)
        await self.take_over()

    async def _decide_on(
        self, record: TimeframeRecord, shipped: TimeframeRecord, own: Sequence[Refit], plans: MeasuredPlans
    ) -> None:
        now, candidate = self._clock.now(), next((refit for refit in own if refit.state is RefitState.CANDIDATE), None)
        if candidate is not None:
            gain = await asyncio.to_thread(gain_of, on_trial(candidate, own), record, plans)
            if gain.low > 0:
                state, why = RefitState.ADOPTED, "it predicts better"
            elif gain.high < 0:
                state, why = RefitState.DROPPED, "it predicts worse"
            elif now - candidate.created_at >= RENEW_AFTER:
                state, why = RefitState.RENEWED, "undecided, and fitted anew"
            else:
                return
            closed = await self._close(candidate, state, f"{why}: {gain.words}")
            if closed and state is RefitState.ADOPTED:
                self._announce()
            if not closed or state is RefitState.ADOPTED:
                return
        fitted = await asyncio.to_thread(fit, record, shipped, plans, self._base, now)
        if fitted is not None:
            await self._documents.insert(EVIDENCE_REFITS, fitted.refit_id, fitted.document)

    async def _close(self, refit: Refit, state: RefitState, reason: str) -> bool:
        """Write down the decision on a candidate, unless another replica has."""
        closed = replace(refit, state=state, reason=reason, decided_at=self._clock.now())
        done = await self._documents.replace(
            EVIDENCE_REFITS, refit.refit_id, closed.document, {"state": RefitState.CANDIDATE.value}
        )
        if done:
            logger.bind(refit=refit.refit_id, state=state.value, reason=reason).info("a refit of evidence is decided")
        return done

    async def _history(self, shipped: MeasuredEvidence) -> list[MeasuredEvidence]:
        """Return all evidence that was in use, the present one last."""
        where = {"base": self._base, "state": RefitState.ADOPTED.value}
        adopted = await self._documents.newest(EVIDENCE_REFITS, MAX_REFITS, where)
        return list(evidence_history(shipped, map(Refit.read, adopted)))

    async def _plans(self, record: TimeframeRecord, lane_ids: Sequence[str]) -> MeasuredPlans:
        first = FirstPlans(record.weight)
        for lane_id in lane_ids:
            wanted = EntryFilter(lane=LedgerLane.RULES, lane_id=lane_id, timeframe=record.timeframe, scored=True)
            page, before = await self._ledger.entries(wanted, _PAGE), None
            while page:
                await asyncio.to_thread(first.add, page)
                before = page[-1].entry.known_ms, page[-1].entry.id
                page = await self._ledger.entries(wanted, _PAGE, before)
        return await asyncio.to_thread(first.plans)
