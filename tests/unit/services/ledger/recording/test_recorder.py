"""Entries of answers: what every lane says, who was given it, what is kept apart, and how often it was given again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import AnalysisSettings
from domain.analysis import Analysis, AnalysisSource, DataSource
from domain.ledger.entries import PLAN, Apart, EntryKind, LedgerEntry, LedgerLane, Origin
from domain.market import Timeframe
from domain.trading.costs import Costs
from domain.trading.gates import Abstention
from domain.values import Signal, epoch_ms, utc_time
from rules.context import MarketContext, with_forecast
from rules.forecast_plans import weigh_forecast
from rules.judgement import Judgement, judge
from rules.plans import HORIZON_CANDLES
from rules.technical import TechnicalAnalyst
from services.ledger.recording.recorder import Recorder
from tests.fixtures.clocks import SettableClock
from tests.fixtures.forecasting import make_forecast
from tests.fixtures.guards import STOP_AND_TARGET
from tests.fixtures.histories import WEIGHER, context_of, simulated, snapshot_of
from tests.fixtures.llm_clients import sample
from tests.fixtures.plan_records import make_record
from tests.fixtures.recording import Written, make_recorder
from tests.fixtures.settings import configured
from utils.log_lines import request_id

LANE_OF = {
    AnalysisSource.TECHNICAL: LedgerLane.RULES,
    AnalysisSource.ENSEMBLE: LedgerLane.BLEND,
    AnalysisSource.LLM: LedgerLane.LLM,
    AnalysisSource.MODEL: LedgerLane.MODEL,
}
KINDS = {
    None: EntryKind.SIDE,
    Abstention.NO_EDGE: EntryKind.NO_EDGE,
    Abstention.NO_DATA: EntryKind.NO_DATA,
    Abstention.REFUSED: EntryKind.REFUSED,
}
H1 = Timeframe.H1
UP, NOISE = 0.4, 0.0


def market(drift: float = UP, source: DataSource = DataSource.BINANCE, old: bool = False) -> MarketContext:
    """Return hours with a drift, read at their end, or a day later."""
    snapshot = replace(snapshot_of(simulated([9, 1], drift)), source_data=source)
    found = context_of(snapshot)
    return replace(found, age=replace(found.age, lengths=24.0)) if old else found


def judged(context: MarketContext, model: bool = False, blend: str = "advise", **forecast: Any) -> Judgement:
    """Return the judgement of a market, with the forecast of a model or without."""
    if not model:
        return judge(context)
    section = configured(AnalysisSettings, blend=blend, model_weight=0.3)
    return judge(with_forecast(context, make_forecast(**forecast), None, section))


def answered(judgement: Judgement, source: AnalysisSource | None = None, **changes: Any) -> Analysis:
    """Return the answer to it by the rules, or as another gives it."""
    found = TechnicalAnalyst().assess(judgement)
    named = {} if source is None else {"source": source, "model_type": "gpt-4o-mini"}
    return found.model_copy(update={**named, **changes})


def written_of(
    judgement: Judgement, analysis: Analysis, trusted: bool = True, believed: bool = True, **options: Any
) -> Written:
    """Return what is written of an answer that one caller is given."""
    written = Written()
    recorder = make_recorder(written)
    recorder.prepare(analysis, judgement, believed=believed)
    recorder.record(analysis, Origin.API, trusted=trusted, **options)
    return written


def lanes(written: Written) -> dict[LedgerLane, bool]:
    return {entry.lane: entry.given for entry in written.entries}


@given(
    source=st.sampled_from(AnalysisSource),
    abstention=st.sampled_from([None, *Abstention]),
    long=st.booleans(),
    confidence=st.floats(0, 1),
    price=st.floats(1e-6, 1e6),
    trusted=st.booleans(),
)
def test_the_entry_of_an_answer_says_what_the_answer_says(
    source: AnalysisSource, abstention: Abstention | None, long: bool, confidence: float, price: float, trusted: bool
) -> None:
    side = Signal.NEUTRAL if abstention else Signal.LONG if long else Signal.SHORT
    judgement = judged(market(), model=True)
    plain = answered(judgement)
    risk = plain.risk_assessment.model_copy(update=STOP_AND_TARGET[side])
    analysis = plain.model_copy(
        update={
            "source": source,
            "signal": side,
            "abstention": abstention,
            "confidence": confidence,
            "price": price,
            "risk_assessment": risk,
            "cost_usd": 0.002 if source is AnalysisSource.LLM else None,
        }
    )
    written = written_of(judgement, analysis, trusted=trusted)
    (entry,) = written.given
    assert (entry.id, entry.lane) == (f"{analysis.analysis_id}.{LANE_OF[source]}", LANE_OF[source])
    assert (entry.side, entry.kind, entry.confidence) == (side, KINDS[abstention], confidence)
    assert (entry.symbol, entry.timeframe, entry.price) == ("BTCUSDT", H1, price)
    assert (entry.stop, entry.target) == (risk.stop_loss_suggestion, risk.take_profit_suggestion)
    assert entry.horizon_candles == (HORIZON_CANDLES if side.side else None)
    assert entry.has_plan is bool(side.side)
    assert analysis.evidence is not None
    assert entry.target_first == (analysis.evidence.target_first if side.side else None)
    assert entry.cost_bps == analysis.evidence.cost_bps > 0
    assert entry.cost_usd == analysis.cost_usd
    assert entry.closed_ms == judgement.context.main.series.last_close_ms
    assert (entry.apart, entry.scored) == ((None, True) if trusted else (Apart.STRANGER, False))
    assert (PLAN in entry.horizons) is (trusted and entry.has_plan)
    assert len(written.entries) == len({entry.lane for entry in written.entries})
    assert not [beside for beside in written.entries if beside.given and beside is not entry]


def test_rules_alone_are_one_entry() -> None:
    judgement = judged(market())
    assert lanes(written_of(judgement, answered(judgement))) == {LedgerLane.RULES: True}


def test_a_model_stands_beside_the_rules_with_its_probability() -> None:
    judgement = judged(market(), model=True)
    written = written_of(judgement, answered(judgement))
    assert lanes(written) == {LedgerLane.RULES: True, LedgerLane.MODEL: False}
    model = written.of(LedgerLane.MODEL)
    assert (model.side, model.kind, model.probability_up, model.confidence) == (Signal.LONG, EntryKind.SIDE, 0.62, 0.24)
    assert (model.has_plan, model.target_first, model.cost_usd) == (False, None, None)
    assert {entry.closed_ms for entry in written.entries} == {judgement.context.main.series.last_close_ms}
    assert written.of(LedgerLane.RULES).probability_up is None


def test_a_model_whose_plans_were_measured_proposes_one_with_its_side_alone() -> None:
    plan = weigh_forecast(make_record(), "BTCUSDT", 0.62, 100.0, 1.0, Costs(fee_bps=5, slippage_bps=1))
    assert plan is not None
    judgement = judged(market(), model=True, plan=plan)
    model = written_of(judgement, answered(judgement)).of(LedgerLane.MODEL)
    assert (model.stop, model.target, model.target_first) == (plan.stop, plan.target, plan.target_first)
    assert model.has_plan
    judgement = judged(market(), model=True, plan=plan, signal="Neutral")
    assert not written_of(judgement, answered(judgement)).of(LedgerLane.MODEL).has_plan


def test_a_model_without_a_side_has_no_edge() -> None:
    judgement = judged(market(), model=True, signal="Neutral", probability_up=0.51)
    model = written_of(judgement, answered(judgement)).of(LedgerLane.MODEL)
    assert (model.side, model.kind, model.probability_up) == (Signal.NEUTRAL, EntryKind.NO_EDGE, 0.51)


def test_a_probability_of_a_later_candle_is_not_held_against_the_next_one() -> None:
    judgement = judged(market(), model=True, horizon_candles=4)
    assert written_of(judgement, answered(judgement)).of(LedgerLane.MODEL).probability_up is None


def test_beside_a_blend_stand_the_rules_with_their_plan_and_the_model() -> None:
    judgement = judged(market(), model=True, blend="weighted")
    analysis = answered(judgement)
    assert analysis.source is AnalysisSource.ENSEMBLE
    written = written_of(judgement, analysis)
    assert lanes(written) == {LedgerLane.BLEND: True, LedgerLane.RULES: False, LedgerLane.MODEL: False}
    alone = answered(judged(market()))
    assert_says(written.of(LedgerLane.RULES), alone)


def assert_says(entry: LedgerEntry, alone: Analysis) -> None:
    """Check that an entry beside an answer says what its lane says where it answers itself."""
    risk, evidence = alone.risk_assessment, alone.evidence
    assert (entry.side, entry.confidence) == (alone.signal, alone.confidence)
    assert (entry.stop, entry.target) == (risk.stop_loss_suggestion, risk.take_profit_suggestion)
    assert evidence is not None
    assert entry.target_first == (evidence.target_first if alone.signal.side else None)


@pytest.mark.parametrize("drift", [UP, -UP, NOISE])
def test_beside_an_llm_stand_rules_model_and_blend_with_what_they_say_by_themselves(drift: float) -> None:
    judgement = judged(market(drift), model=True, blend="weighted")
    blended, alone = answered(judgement), answered(judged(market(drift)))
    llm = answered(judged(market(drift)), AnalysisSource.LLM, forecast=blended.forecast, cost_usd=0.001)
    written = written_of(judgement, llm)
    assert lanes(written) == {
        LedgerLane.LLM: True,
        LedgerLane.RULES: False,
        LedgerLane.MODEL: False,
        LedgerLane.BLEND: False,
    }
    assert_says(written.of(LedgerLane.RULES), alone)
    assert_says(written.of(LedgerLane.BLEND), blended)
    assert written.of(LedgerLane.LLM).cost_usd == 0.001
    assert len({entry.lane_id for entry in written.entries}) == 4


def test_what_a_guard_refuses_is_refused_and_the_lanes_beside_it_keep_their_sides() -> None:
    judgement = judged(market(), model=True)
    plain = answered(judgement, AnalysisSource.LLM)
    refused = plain.model_copy(
        update={
            "signal": Signal.NEUTRAL,
            "abstention": Abstention.REFUSED,
            "risk_assessment": plain.risk_assessment.model_copy(update=STOP_AND_TARGET[Signal.NEUTRAL]),
        }
    )
    written = written_of(judgement, refused)
    llm, rules = written.of(LedgerLane.LLM), written.of(LedgerLane.RULES)
    assert (llm.kind, llm.side, llm.has_plan, llm.scored) == (EntryKind.REFUSED, Signal.NEUTRAL, False, True)
    assert (rules.kind, rules.side, rules.has_plan) == (EntryKind.SIDE, Signal.LONG, True)
    assert written.of(LedgerLane.MODEL).kind is EntryKind.SIDE


def test_rules_without_enough_candles_since_a_break_have_no_data() -> None:
    judgement = judged(replace(market(), broken=True))
    written = written_of(judgement, answered(judgement, AnalysisSource.LLM))
    assert written.of(LedgerLane.RULES).kind is EntryKind.NO_DATA
    assert written_of(judged(market(NOISE)), answered(judged(market(NOISE)))).entries[0].kind is EntryKind.NO_EDGE


@pytest.mark.parametrize(
    ("trusted", "source", "old", "believed", "apart"),
    [
        (True, DataSource.BINANCE, False, True, None),
        (True, DataSource.CLIENT, False, True, None),
        (False, DataSource.CLIENT, False, False, Apart.STRANGER),
        (False, DataSource.BINANCE, False, True, Apart.STRANGER),
        (False, DataSource.SYNTHETIC, True, False, Apart.STRANGER),
        (True, DataSource.SYNTHETIC, False, False, Apart.SYNTHETIC),
        (True, DataSource.SYNTHETIC, True, False, Apart.SYNTHETIC),
        (True, DataSource.CLIENT, True, True, Apart.STALE),
        (True, DataSource.CLIENT, True, False, Apart.STALE),
        (True, DataSource.CLIENT, False, False, Apart.CONTRADICTED),
    ],
)
def test_what_cannot_be_believed_is_kept_apart_in_every_lane(
    trusted: bool, source: DataSource, old: bool, believed: bool, apart: Apart | None
) -> None:
    judgement = judged(market(source=source, old=old), model=True)
    labels = {"lane": "model", "kind": "side", "apart": apart or "none"}
    before = sample("ledger_entries_total", **labels)
    written = written_of(judgement, answered(judgement), trusted=trusted, believed=believed)
    assert {(entry.apart, entry.source_data) for entry in written.entries} == {(apart, source)}
    assert len(written.entries) == 2
    assert sample("ledger_entries_total", **labels) == before + 1


def replayed() -> tuple[Judgement, Analysis]:
    context = market()
    judgement = judged(replace(context, as_of=context.generated_at))
    return judgement, answered(judgement)


def test_a_replay_leaves_nothing_behind() -> None:
    judgement, analysis = replayed()
    assert analysis.as_of is not None
    written = Written()
    recorder = make_recorder(written)
    recorder.prepare(analysis, judgement, believed=False)
    recorder.record(analysis, Origin.API, trusted=True)
    recorder.record(analysis, Origin.API, trusted=True)
    assert (written.entries, written.repeats) == ([], {})


class Shared:
    """One fresh answer and a recorder that several callers make use of."""

    def __init__(self, source: DataSource = DataSource.BINANCE, **section: Any) -> None:
        self.written = Written()
        self.clock = SettableClock()
        self.recorder: Recorder = make_recorder(self.written, self.clock, **section)
        judgement = judged(market(source=source))
        self.analysis = answered(judgement)
        self.recorder.prepare(self.analysis, judgement, believed=True)
        self.id = f"{self.analysis.analysis_id}.rules"

    def give(self, *, trusted: bool, **options: Any) -> None:
        self.recorder.record(self.analysis, Origin.API, trusted=trusted, **options)

    @property
    def apart(self) -> list[tuple[str, Apart | None]]:
        return [(entry.id, entry.apart) for entry in self.written.entries]


def test_the_first_caller_makes_the_entry_and_the_others_repeat_it() -> None:
    one = Shared()
    for trusted in (True, True, False):
        one.give(trusted=trusted)
    assert one.apart == [(one.id, None)]
    assert one.written.repeats == {one.id: 2}


def test_an_answer_that_nobody_is_given_is_no_entry() -> None:
    assert Shared().written.entries == []


def test_an_answer_of_an_earlier_process_is_a_repeat() -> None:
    one = Shared()
    other = Written()
    make_recorder(other).record(one.analysis, Origin.API, trusted=True)
    assert (other.entries, other.repeats) == ([], {one.id: 1})


def test_strangers_who_ask_first_do_not_decide_what_counts() -> None:
    one = Shared()
    one.give(trusted=False)
    one.give(trusted=False)
    one.clock.advance(60)
    one.give(trusted=True)
    one.give(trusted=True)
    one.give(trusted=False)
    assert one.apart == [(one.id, Apart.STRANGER), (f"{one.id}.2", None)]
    assert one.written.repeats == {one.id: 1, f"{one.id}.2": 2}
    first, second = one.written.entries
    assert second.known_ms == first.known_ms + 60_000


def test_an_answer_on_a_strangers_own_candles_never_counts() -> None:
    one = Shared(DataSource.CLIENT)
    one.give(trusted=False)
    one.give(trusted=False)
    one.give(trusted=True)  # no caller can have it: its cache is the strangers' own
    assert one.apart == [(one.id, Apart.STRANGER)]


def test_what_a_filter_withholds_stands_beside_until_it_is_delivered() -> None:
    one = Shared()
    one.give(trusted=True, delivered=False)
    one.give(trusted=True, delivered=False)
    assert [(entry.id, entry.given) for entry in one.written.entries] == [(one.id, False)]
    assert one.written.repeats == {}
    one.give(trusted=True)
    assert [(entry.id, entry.given) for entry in one.written.entries][1:] == [(f"{one.id}.2", True)]


def test_strangers_fill_no_disk() -> None:
    written, clock = Written(), SettableClock()
    recorder = make_recorder(written, clock, max_apart_per_day=5)
    judgement = judged(market(source=DataSource.CLIENT))
    left_out = sample("ledger_entries_left_out_total", apart="stranger")

    def ask(number: int, trusted: bool = False) -> Analysis:
        analysis = answered(judgement, analysis_id=f"a{number}")
        recorder.prepare(analysis, judgement, believed=True)
        recorder.record(analysis, Origin.API, trusted=trusted)
        return analysis

    asked = [ask(number) for number in range(8)]
    assert [entry.id for entry in written.entries] == [f"a{number}.rules" for number in range(5)]
    assert sample("ledger_entries_left_out_total", apart="stranger") == left_out + 3
    recorder.record(asked[7], Origin.API, trusted=False)
    assert written.repeats == {}  # the repeat of an entry that is not there would fill it too
    ask(8, trusted=True)
    assert written.entries[-1].id == "a8.rules"
    clock.moment += timedelta(days=1)
    ask(9)
    assert [entry.id for entry in written.entries][-2:] == ["a8.rules", "a9.rules"]


def test_answers_that_are_left_out_stay_out_and_count_when_a_trusted_caller_has_them() -> None:
    one = Shared(max_apart_per_day=1)
    other = judged(market())
    filler = answered(other)
    one.recorder.prepare(filler, other, believed=True)
    one.recorder.record(filler, Origin.API, trusted=False)
    one.written.entries.clear()
    one.give(trusted=False)
    one.give(trusted=False)
    assert (one.written.entries, one.written.repeats) == ([], {})
    one.give(trusted=True)
    assert one.apart == [(one.id, None)]


def test_entries_know_when_they_were_said_why_and_by_which_request() -> None:
    one = Shared()
    token = request_id.set("of-the-client-7")
    try:
        one.give(trusted=True)
    finally:
        request_id.reset(token)
    (entry,) = one.written.entries
    assert (entry.request_id, entry.origin) == ("of-the-client-7", Origin.API)
    assert entry.known_ms == epoch_ms(one.clock.now())
    loop = Shared()
    loop.recorder.record(loop.analysis, Origin.LOOP, trusted=True)
    assert [(entry.request_id, entry.origin) for entry in loop.written.entries] == [(None, Origin.LOOP)]


def test_evidence_and_costs_are_those_that_the_plan_was_weighed_with() -> None:
    judgement = judged(market())
    (entry,) = written_of(judgement, answered(judgement)).entries
    assert entry.cost_bps == WEIGHER.costs.of(entry.symbol).round_trip_bps
    assert judgement.by_rules.evidence is not None
    assert entry.target_first == judgement.by_rules.evidence.target_first
    assert utc_time(entry.closed_ms) <= judgement.context.generated_at
