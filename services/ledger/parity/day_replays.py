"""Answers of one day, replayed and compared with its entries in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from config.settings import Settings
from domain.ledger.entries import LedgerEntry
from services.ledger.parity.certificate import ParityCertificate, ParityTally, Skipped
from services.ledger.parity.past_answers import PastAnswers
from services.ledger.recording.lane_identities import LaneIdentities
from services.ledger.replays.comparison import REPLAYED_LANES, fields_of, statements_of
from services.ledger.replays.past_candles import PastCandles
from services.ledger.replays.replayer import Replayer
from storage.ledger_ports import LedgerStore
from storage.ports import SignalArchive
from utils.clock import Clock


class DayReplays:
    """Certifies a day by the replays of some of its answers."""

    def __init__(
        self,
        ledger: LedgerStore,
        archive: SignalArchive,
        replayer: Replayer,
        candles: PastCandles,
        identities: LaneIdentities,
        settings: Settings,
        clock: Clock,
    ) -> None:
        """Keep the parts.

        Args:
            ledger: Has the entries.
            archive: Has the answers that they are of.
            replayer: Answers again.
            candles: Of the past.
            identities: Tells what a lane is made of now.
            settings: Of everything.
            clock: The server's.
        """
        self._ledger = ledger
        self._archive = archive
        self._replayer = replayer
        self._candles = candles
        self._identities = identities
        self._settings = settings
        self._clock = clock

    async def certify(self, day: date) -> ParityCertificate:
        """Replay answers of a UTC day and compare them with its entries; nothing is kept.

        Raises:
            StorageUnavailable: ledger or archive do not answer.
        """
        answers: dict[str, list[LedgerEntry]] = {}
        for entry in await self._ledger.booked(day):
            if entry.scored and entry.lane in REPLAYED_LANES and entry.origin.of_analysis:
                answers.setdefault(entry.answer_id, []).append(entry)
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
        weighed_by, id_of = (context.weigher.evidence, context.plan_model), self._identities.id_of
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


def _evenly(answers: Sequence[tuple[str, list[LedgerEntry]]], most: int) -> list[tuple[str, list[LedgerEntry]]]:
    """Return at most that many answers, evenly spread."""
    if len(answers) <= most:
        return list(answers)
    return [answers[place * len(answers) // most] for place in range(most)]
