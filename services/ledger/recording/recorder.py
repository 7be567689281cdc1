"""The recorder: entries of fresh answers, and a count of those that are given again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Protocol

from domain.analysis import DataSource, MarketSnapshot, TradeSignal
from domain.ledger.entries import Apart, LedgerEntry, Origin
from domain.market import Timeframe
from domain.timeframe_data import data_age
from domain.trading.costs import Costs
from domain.values import epoch_ms
from rules.judgement import Judgement
from services.evidence.in_use import EvidenceInUse
from services.ledger.recording.apart import ApartBudget, apart_of
from services.ledger.recording.lane_identities import LaneIdentities
from services.ledger.recording.occasion import Occasion, entry_id
from services.ledger.recording.statements import LANE_OF, AnswerBasis, Statement, of_signal
from utils import metrics
from utils.clock import Clock
from utils.log_lines import request_id

# Answers that may still be written down, and the same again of forecasts and trends that may be given again.
MAX_ANSWERS = 2_000


class LedgerSink(Protocol):
    """Takes what is written down; neither call waits or raises."""

    def put(self, entries: Sequence[LedgerEntry]) -> None:
        """Keep the entries, soon; one whose id is known changes nothing."""

    def put_repeat(self, entry_id: str) -> None:
        """Count that an entry was given again."""


@dataclass(slots=True)
class _MadeAnswer:
    """An answer that may be written down, once more where it counts more than before.

    Attributes:
        believed: Whether its candles contradict none that were posted before.
        rank: Of who has it: nobody (0), a stranger, a trusted caller; each less where a filter withheld it.
        written: How many times it was written down.
    """

    basis: AnswerBasis
    believed: bool
    rank: int = 0
    written: int = 0


class Recorder:
    """Writes down what the lanes say, when somebody is first given the answer.

    An answer that nobody got is not recorded. One that only strangers got is kept apart; it is written down again, and
    counts, when the first trusted caller is given it: else strangers who ask first would decide what counts.
    """

    def __init__(
        self, sink: LedgerSink, identities: LaneIdentities, evidence: EvidenceInUse, budget: ApartBudget, clock: Clock
    ) -> None:
        """Keep the parts; `evidence` has the usual costs, and the evidence of trends."""
        self._sink = sink
        self._identities = identities
        self._evidence = evidence
        self._budget = budget
        self._clock = clock
        # Plain dictionaries, since every answer passes here; forgotten first: what was made longest ago.
        self._made: dict[str, _MadeAnswer] = {}
        self._direct: dict[str, bool] = {}

    def prepare(self, answer: TradeSignal, judgement: Judgement, *, believed: bool) -> None:
        """Take a fresh answer, before anyone is given it; a replay leaves nothing behind.

        Args:
            answer: After the guards.
            judgement: That it rests on.
            believed: Whether others may read its candles.
        """
        if answer.as_of is None:
            self._made[answer.analysis_id] = _MadeAnswer(AnswerBasis.of(judgement), believed)
            _forget_first(self._made)

    def record(self, answer: TradeSignal, origin: Origin, *, trusted: bool, delivered: bool = True) -> None:
        """Write an answer down that somebody is given, or count that it is given again.

        Args:
            answer: Fresh or of a cache.
            origin: Why it was asked for.
            trusted: Whether a trusted caller, or the service itself, gets it.
            delivered: False where a filter of signals withheld it.
        """
        if answer.as_of is not None:
            return
        made = self._made.get(answer.analysis_id)
        rank = 1 + 2 * trusted + delivered
        if made is None or made.rank >= rank:
            if delivered:
                self._repeat(answer, made, trusted=trusted)
            return
        made.rank = rank
        occasion = Occasion(
            answer_id=answer.analysis_id,
            times=made.written,
            origin=origin,
            symbol=answer.symbol,
            timeframe=answer.timeframe,
            closed_ms=made.basis.closed_ms,
            price=answer.price,
            cost_bps=made.basis.cost_bps,
            weighed_by=(made.basis.evidence, made.basis.plan_model),
            source_data=answer.source_data,
            apart=apart_of(answer.source_data, old=made.basis.old, believed=made.believed, trusted=trusted),
        )
        made.written += self._write(of_signal(answer, made.basis), occasion, delivered=delivered)
        own_candles = not trusted and answer.source_data is DataSource.CLIENT
        if own_candles or (trusted and delivered and made.written == 1):
            del self._made[answer.analysis_id]

    def record_statements(
        self,
        statements: Sequence[Statement],
        snapshot: MarketSnapshot,
        timeframe: Timeframe,
        origin: Origin,
        *,
        trusted: bool,
        costs: Costs | None = None,
    ) -> None:
        """Write down what is said of a market without an analysis, or count that it is said again.

        It is said again where lane, model, side and probability are the same, of the same closed candles. A replay
        leaves nothing behind.

        Args:
            statements: The answer, and then what the other lanes say.
            snapshot: The market.
            timeframe: That it speaks of.
            origin: Why it was asked for.
            trusted: Whether a trusted caller gets it.
            costs: Of the caller's trades; None are the usual ones.
        """
        if snapshot.as_of_ms is not None:
            return
        now_ms = epoch_ms(self._clock.now())
        closed, weigher = snapshot.closed(now_ms), self._evidence.weigher
        closed_ms, old = closed[timeframe].last_close_ms, data_age(closed.values(), None, now_ms).old
        apart = apart_of(snapshot.source_data, old=old, believed=True, trusted=trusted)
        answer, key = statements[0], (origin, snapshot.symbol, timeframe, closed_ms, apart, snapshot.source_data)
        what = (answer.lane, answer.by, answer.kind, answer.side, answer.probability_up)
        answer_id = blake2b(repr((key, what)).encode(), digest_size=16).hexdigest()
        known = self._direct.get(answer_id)
        if known is not None:
            if known:
                self._sink.put_repeat(entry_id(answer_id, answer.lane))
            return
        occasion = Occasion(
            answer_id=answer_id,
            times=0,
            origin=origin,
            symbol=snapshot.symbol,
            timeframe=timeframe,
            closed_ms=closed_ms,
            price=snapshot.price,
            cost_bps=(costs or weigher.costs.of(snapshot.symbol)).round_trip_bps,
            weighed_by=(weigher.evidence, None),
            source_data=snapshot.source_data,
            apart=apart,
        )
        self._direct[answer_id] = self._write(statements, occasion)
        _forget_first(self._direct)

    def _repeat(self, answer: TradeSignal, made: _MadeAnswer | None, *, trusted: bool) -> None:
        """Count an answer that is given again, unless its entry was one too many."""
        if made is None:
            kept, times = trusted or self._budget.left(Apart.STRANGER, epoch_ms(self._clock.now())), 1
        else:
            kept, times = bool(made.written), made.written
        if kept:
            self._sink.put_repeat(entry_id(answer.analysis_id, LANE_OF[answer.source], times - 1))

    def _write(self, statements: Iterable[Statement], occasion: Occasion, *, delivered: bool = True) -> bool:
        """Hand entries to the store; return whether there was room for them."""
        now_ms, asked_by = epoch_ms(self._clock.now()), request_id.get() or None
        entries = [occasion.entry(said, self._identities, now_ms, asked_by, delivered=delivered) for said in statements]
        if not self._budget.take(occasion.apart, len(entries), now_ms):
            return False
        for entry in entries:
            metrics.ledger_entry(entry.lane, entry.kind, entry.apart or metrics.SCORED).inc()
        self._sink.put(entries)
        return True


def _forget_first(answers: dict[str, Any]) -> None:
    if len(answers) > MAX_ANSWERS:
        del answers[next(iter(answers))]
