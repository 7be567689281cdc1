"""The nightly certificate: yesterday's answers replayed, on one replica at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import date, timedelta
from functools import partial

from loguru import logger

from config.settings import Settings
from domain.ledger.entries import LedgerEntry, Origin
from services.health.degraded import Degraded
from services.leases import Lease
from services.ledger.parity.certificate import FieldParity, ParityCertificate, ParityTally, Skipped
from services.ledger.parity.past_answers import PastAnswers
from services.ledger.recording.lane_identities import LaneIdentities
from services.ledger.replays.comparison import REPLAYED_LANES, fields_of, statements_of
from services.ledger.replays.past_candles import PastCandles
from services.ledger.replays.replayer import Replayer
from storage.document_ports import LEDGER_PARITY, DocumentStore
from storage.ledger_ports import LedgerStore
from storage.ports import SignalArchive
from utils.clock import Clock
from utils.looking import look_again

# Entries of the last seconds of a day may still be on their way to the store.
GRACE = timedelta(minutes=15)
CHECK_SECONDS = 600.0
_DAY = timedelta(days=1)
_ORIGINS = frozenset({Origin.API, Origin.LOOP})


class NightlyParity:
    """Certifies each day once, after its end; a day that ended in a standstill has no certificate."""

    def __init__(
        self,
        *,
        ledger: LedgerStore,
        archive: SignalArchive,
        documents: DocumentStore,
        replayer: Replayer,
        candles: PastCandles,
        identities: LaneIdentities,
        lease: Lease,
        settings: Settings,
        clock: Clock,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Keep the parts.

        Args:
            ledger: Has the entries.
            archive: Has the answers that they are of.
            documents: Keeps the certificates.
            replayer: Answers again.
            candles: Of the past.
            identities: Tells what a lane is made of now.
            lease: Held by the replica that certifies.
            settings: Of everything.
            clock: The server's.
            sleep: Waits for seconds.
        """
        self._ledger = ledger
        self._archive = archive
        self._documents = documents
        self._replayer = replayer
        self._candles = candles
        self._identities = identities
        self._lease = lease
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._last: ParityCertificate | None = None

    def degraded(self) -> Iterator[Degraded]:
        """Yield that a field of the newest certificate is above its tolerance, without waiting."""
        if self._last is None or not self._last.above:
            return
        day = self._last.day.isoformat()
        words = "; ".join(map(_words, self._last.above))
        yield Degraded(
            "ledger_parity",
            f"replays of {day} differ from what was said: {words}",
            "compare POST /ai/replay with the entry: its candles were revised since, or the code has a defect",
        )

    async def run(self) -> None:
        """Read the newest certificate for /health at every look until canceled; jobs certify."""
        await look_again(self._look, partial(self._sleep, CHECK_SECONDS), "reading certificates of the ledger")

    async def certify_yesterday(self) -> ParityCertificate | None:
        """Certify the day before, unless it has its certificate or another replica is at it; return the new one.

        Raises:
            StorageUnavailable: ledger, archive or documents do not answer.
        """
        day = (self._clock.now() - GRACE).date() - _DAY
        known = await self._documents.get(LEDGER_PARITY, day.isoformat())
        if known is not None:
            self._last = ParityCertificate.of(known)
            return None
        if not await self._lease.take():
            return None
        certificate = await self.certify(day)
        if await self._lease.take():
            await self._documents.put(LEDGER_PARITY, day.isoformat(), certificate.document())
        self._last = certificate
        logger.bind(
            day=day.isoformat(),
            compared=certificate.compared,
            equal=certificate.equal,
            above=[one.field for one in certificate.above],
        ).info("a day of the ledger was replayed")
        return certificate

    async def certify(self, day: date) -> ParityCertificate:
        """Replay answers of a UTC day and compare them with its entries; nothing is kept.

        Raises:
            StorageUnavailable: ledger or archive do not answer.
        """
        answers: dict[str, list[LedgerEntry]] = {}
        for entry in await self._ledger.booked(day):
            if entry.scored and entry.lane in REPLAYED_LANES and entry.origin in _ORIGINS:
                answers.setdefault(entry.id.partition(".")[0], []).append(entry)
        drawn = _evenly(list(answers.items()), self._settings.ledger.parity_answers)
        tally = ParityTally()
        if drawn:
            known = [entry.known_ms for _, entries in drawn for entry in entries]
            past = PastAnswers(self._replayer, self._candles, self._settings, min(known), max(known))
            for answer_id, entries in drawn:
                await self._compare(answer_id, entries, past, tally)
        return ParityCertificate(
            day=day,
            created_at=self._clock.now(),
            entries=sum(map(len, answers.values())),
            answers=len(answers),
            replayed=len(drawn),
            compared=tally.compared,
            equal=tally.equal,
            skipped=dict(tally.skipped),
            fields=tuple(tally.fields.values()),
        )

    async def newest(self, limit: int) -> list[ParityCertificate]:
        """Return at most `limit` certificates, the newest first.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        return [ParityCertificate.of(document) for document in await self._documents.newest(LEDGER_PARITY, limit)]

    async def _compare(
        self, answer_id: str, entries: Sequence[LedgerEntry], past: PastAnswers, tally: ParityTally
    ) -> None:
        archived = await self._archive.archived_analysis(answer_id)
        if archived is None:
            tally.skipped[Skipped.ARCHIVE] += len(entries)
            return
        again = await past.again(entries[0], archived)
        if again is None:
            tally.skipped[Skipped.CANDLES] += len(entries)
            return
        said = statements_of(again.analysis, again.judgement)
        refused = any(not gate.passed for gate in archived.gates)
        context = again.judgement.context
        weighed_by, id_of = (context.weigher.book, context.plan_model), self._identities.id_of
        for entry in entries:
            replayed = said.get(entry.lane)
            if entry.given and refused:
                tally.skipped[Skipped.REFUSED] += 1
            elif replayed is None:
                tally.skipped[Skipped.SILENT] += 1
            elif entry.lane_id != id_of(entry.lane, replayed.by, entry.origin, *weighed_by, replayed.calibrated_at):
                tally.skipped[Skipped.LANE] += 1
            else:
                tally.add(entry, fields_of(entry, replayed, entry.price))

    async def _look(self) -> None:
        newest = await self.newest(1)
        self._last = newest[0] if newest else None


def _evenly(answers: Sequence[tuple[str, list[LedgerEntry]]], most: int) -> list[tuple[str, list[LedgerEntry]]]:
    """Return at most that many answers, evenly spread."""
    if len(answers) <= most:
        return list(answers)
    return [answers[place * len(answers) // most] for place in range(most)]


def _words(one: FieldParity) -> str:
    entry = f"entry {one.entry_id} said {one.recorded}, its replay {one.replayed}"
    size = "" if one.largest is None or one.unit == "side" else f" by up to {one.largest:.3g} {one.unit}"
    limit = "" if one.unit == "side" else f", tolerance {one.tolerance:g}"
    return f"{one.field}{size} in {one.above} of {one.compared}{limit} ({entry})"
