"""Runs a drill: answers, recorder, ledger, settler, sums and scores, as in the service, on a simulated clock."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from statistics import median
from time import perf_counter

from domain.jobs import TellShare
from domain.ledger.days import Aggregate
from domain.ledger.entries import LedgerEntry, LedgerLane, Origin
from domain.ledger.settlements import LedgerRecord
from domain.market import CandleSeries, Timeframe
from domain.values import Signal, epoch_ms, utc_time
from features.indicators.technical_indicators import TechnicalIndicators
from rules.evidence.weighing import Weigher
from rules.plans import HORIZON_CANDLES
from services.evidence.in_use import EvidenceInUse
from services.leases import Lease
from services.ledger.drill.answers import DrillLanes
from services.ledger.drill.markets import DrillCandles, DrillClock, simulate
from services.ledger.drill.parameters import DrillParameters, DrillSettings
from services.ledger.drill.result import DrillResult, DrillTimes, LaneCount
from services.ledger.drill.watching import Watch
from services.ledger.recording.apart import ApartBudget
from services.ledger.recording.lane_identities import LaneIdentities
from services.ledger.recording.recorder import Recorder
from services.ledger.scoring.queries import RecordQuery
from services.ledger.scoring.scores import LedgerScores
from services.ledger.scoring.sums import add_up
from services.ledger.settling.candles import SettlingCandles
from services.ledger.settling.closing import Closing
from services.ledger.settling.day_sums import DaySums
from services.ledger.settling.revisions import SettlementRevisions
from services.ledger.settling.settler import Settler
from services.market_data.market_data import MarketData
from storage.document_ports import DocumentStore
from storage.ledger_ports import LedgerStore

FIRST_DAY = datetime(2021, 1, 4, tzinfo=UTC)
_DAY = timedelta(days=1)
# An answer is given this long after the close of its candles.
_ANSWERED_AFTER = timedelta(seconds=2)
# A day is looked at when its last answers have been given.
_LOOKED_AFTER = timedelta(minutes=1)
_WRITTEN_TOGETHER = 2_000
_LEASE_SECONDS = 3_600.0


@dataclass
class _Gathered:
    """A `LedgerSink` that keeps entries until they are written."""

    entries: list[LedgerEntry] = field(default_factory=list)

    def put(self, entries: Sequence[LedgerEntry]) -> None:
        self.entries += entries

    def put_repeat(self, entry_id: str) -> None:
        raise AssertionError(f"a drill gives each answer once, but {entry_id} came again")


class Drill:
    """One drill in a ledger of its own, which has to be empty and to end with it."""

    def __init__(
        self,
        parameters: DrillParameters,
        settings: DrillSettings,
        weigher: Weigher,
        ledger: LedgerStore,
        documents: DocumentStore,
        executor: Executor,
        tell: TellShare,
        first_day: datetime = FIRST_DAY,
    ) -> None:
        """Put the parts together.

        Args:
            parameters: What to simulate.
            settings: Rules and model have to be blended, so that there are three lanes.
            weigher: Weighs plans by the evidence.
            ledger: For simulated entries alone.
            documents: For the lease and the revisions of the settler, in the same place.
            executor: A thread for the numbers.
            tell: Takes the present step in words, and the share that is done.
            first_day: Midnight, UTC, with which the answers begin.
        """
        self._parameters = parameters
        self._settings = settings
        self._ledger = ledger
        self._tell = tell
        self._first_day = first_day
        self._clock = clock = DrillClock(first_day)
        self._markets = self._simulated(settings.analysis.window_candles)
        self._indicators = TechnicalIndicators(settings.indicators)
        self._weigher = weigher
        self._sink = _Gathered()
        identities = LaneIdentities(settings, self._indicators, {"version": "none"}, lambda _: None)
        self._recorder = Recorder(self._sink, identities, EvidenceInUse(weigher), ApartBudget(settings.ledger), clock)
        nowhere = MarketData((), settings.market_data, settings.analysis.min_candles, tuple(self._markets), clock)
        stored = DrillCandles(self._markets, clock)
        candles = SettlingCandles(stored, nowhere, settings.market_data, clock, executor)
        lease = Lease(documents, "drill", _LEASE_SECONDS, clock)
        self._settler = Settler(
            ledger,
            Closing(candles, executor),
            SettlementRevisions(ledger, documents, candles, clock, executor),
            DaySums(ledger, self._add_up, lease, executor, monotonic=lambda: clock.now().timestamp()),
            lease,
            clock,
            settle_seconds=settings.ledger.settle_seconds,
        )
        self._scores = LedgerScores(ledger, clock)
        self._watch = Watch()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._score_seconds: list[float] = []
        self._lanes: Counter[LedgerLane] = Counter()
        self._neutral: Counter[LedgerLane] = Counter()
        self._answers = self._owed = self._settled = 0

    async def run(self) -> DrillResult:
        """Run it to the day on which the last plan has ended.

        Raises:
            StorageUnavailable: a store does not answer.
        """
        await self._answer()
        for day in range(self._parameters.days + 1, self._days() + 1):
            self._tell_day(day)
            await self._look(day)
        size = await self._ledger.size()
        return DrillResult(
            parameters=self._parameters,
            answers=self._answers,
            lanes={lane: LaneCount(count, self._neutral[lane]) for lane, count in sorted(self._lanes.items())},
            owed=self._owed,
            settled=self._settled,
            waiting=size.waiting,
            watched=tuple(self._watch.watched),
            seconds=DrillTimes(
                judging=self._seconds["judging"],
                appending=self._seconds["appending"],
                settling=self._seconds["settling"] - self._seconds["adding up"],
                adding_up=self._seconds["adding up"],
                scores=median(self._score_seconds),
                slowest_scores=max(self._score_seconds),
            ),
        )

    def _days(self) -> int:
        """Return the number of days until the plans of the last answers have ended."""
        return self._parameters.days + 1 + -(-(HORIZON_CANDLES + 2) * self._parameters.timeframe.ms // Timeframe.D1.ms)

    def _simulated(self, before: int) -> dict[str, CandleSeries]:
        """Return the candles of all days, and as many before the first as are read at once."""
        parameters, length_ms = self._parameters, self._parameters.timeframe.ms
        symbols = tuple(f"DRILL{number}USDT" for number in range(1, parameters.symbols + 1))
        count = before + self._days() * Timeframe.D1.ms // length_ms
        return simulate(
            symbols, parameters.timeframe, epoch_ms(self._first_day) - before * length_ms, count, parameters.walk
        )

    async def _answer(self) -> None:
        """Give the answers of every day, and look at the ledger at its end."""
        lanes = DrillLanes(self._settings.analysis, self._settings.models.serving, self._indicators, self._weigher)
        end = self._first_day + self._parameters.days * _DAY
        answers = lanes.answers(self._markets, epoch_ms(self._first_day), epoch_ms(end))
        begun = perf_counter()
        for day, given in groupby(answers, lambda answer: (utc_time(answer.moment_ms) - self._first_day).days + 1):
            self._tell_day(day)
            for answer in given:
                self._clock.moment = utc_time(answer.moment_ms) + _ANSWERED_AFTER
                self._recorder.prepare(answer.signal, answer.judgement, believed=True)
                self._recorder.record(answer.signal, Origin.LOOP, trusted=True)
                self._answers += 1
                if len(self._sink.entries) >= _WRITTEN_TOGETHER:
                    self._seconds["judging"] += perf_counter() - begun
                    await self._write()
                    begun = perf_counter()
            self._seconds["judging"] += perf_counter() - begun
            await self._write()
            await self._look(day)
            begun = perf_counter()

    def _tell_day(self, day: int) -> None:
        self._tell(f"simulated day {day} of {self._days()}", (day - 1) / self._days())

    async def _write(self) -> None:
        entries, self._sink.entries = self._sink.entries, []
        self._lanes.update(entry.lane for entry in entries)
        self._neutral.update(entry.lane for entry in entries if entry.side is Signal.NEUTRAL)
        self._owed += sum(len(entry.horizons) for entry in entries)
        begun = perf_counter()
        await self._ledger.append(entries)
        self._seconds["appending"] += perf_counter() - begun

    async def _look(self, day: int) -> None:
        """Settle what is due at the end of a day, and look at the records."""
        self._clock.moment = self._first_day + day * _DAY + _LOOKED_AFTER
        begun = perf_counter()
        self._settled += await self._settler.settle_due()
        settled = perf_counter()
        records = await self._scores.track_record(RecordQuery(day + 2))
        self._seconds["settling"] += settled - begun
        self._score_seconds.append(perf_counter() - settled)
        self._watch.look(day, records)

    def _add_up(self, records: Sequence[LedgerRecord], day: date) -> list[Aggregate]:
        begun = perf_counter()
        sums = add_up(records, day)
        self._seconds["adding up"] += perf_counter() - begun
        return sums
