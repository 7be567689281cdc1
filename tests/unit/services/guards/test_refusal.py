"""From findings to the answer: a refused side becomes Neutral, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.trading.gates import DATA_GATES, Abstention, Gate, GateName
from domain.values import Signal
from services.guards.gates import Finding
from services.guards.refusal import guarded
from tests.fixtures.guards import answer


def finding(name: GateName, *, passed: bool) -> Finding:
    return Finding(Gate(name=name, passed=passed, value=1.0, needed=3.0), f"{name} needs 3")


FINDINGS = st.tuples(*(st.sampled_from([finding(name, passed=True), finding(name, passed=False)]) for name in GateName))


@given(st.sampled_from(Signal), st.floats(0, 1), FINDINGS)
def test_guards_never_make_a_side_nor_change_one_to_the_other(
    signal: Signal, confidence: float, findings: tuple[Finding, ...]
) -> None:
    before = answer(signal, confidence, abstention=None if signal.side else Abstention.NO_EDGE)
    after = guarded(before, findings).answer
    shut = {found.gate.name for found in findings if not found.gate.passed}
    assert after.signal in {signal, Signal.NEUTRAL}
    assert (after.signal is signal) is (not shut or signal is Signal.NEUTRAL)
    assert [gate.name for gate in after.gates] == list(GateName)
    assert (after.abstention is None) is (after.signal is not Signal.NEUTRAL)
    assert after.confidence <= max(confidence, 0.5) or after.signal is signal
    if after.signal is Signal.NEUTRAL:
        risk = after.risk_assessment
        assert (risk.stop_loss_suggestion, risk.take_profit_suggestion) == (None, None)
        assert risk.recommended_position_size == 0
    if not shut:
        assert after == before.model_copy(update={"gates": after.gates})
    unread = {"signal", "confidence", "risk_assessment", "gates", "abstention"}
    assert after.model_dump(exclude=unread) == before.model_dump(exclude=unread)


@pytest.mark.parametrize("name", GateName)
def test_the_refusal_names_the_gate_and_the_abstention_tells_data_from_guards(name: GateName) -> None:
    found = guarded(answer(Signal.SHORT, 0.62), [finding(name, passed=False)])
    assert found.refusal == f"refused by {name}: {name} needs 3"
    assert found.answer.abstention is (Abstention.NO_DATA if name in DATA_GATES else Abstention.REFUSED)
    assert found.answer.confidence == 0.38


def test_every_shut_gate_is_named() -> None:
    found = guarded(answer(), [finding(GateName.COOLDOWN, passed=False), finding(GateName.EXPOSURE, passed=False)])
    assert found.refusal == "refused by cooldown: cooldown needs 3; exposure: exposure needs 3"


def test_a_confidence_that_old_candles_have_lowered_stays_low() -> None:
    assert guarded(answer(confidence=0.02), [finding(GateName.FRESH_DATA, passed=False)]).answer.confidence == 0.02


def test_in_safe_mode_a_neutral_says_so_and_keeps_its_own_ground() -> None:
    neutral = answer(Signal.NEUTRAL, 0.55, abstention=Abstention.NO_EDGE)
    found = guarded(neutral, [finding(GateName.SAFE_MODE, passed=False)])
    assert found.refusal == "refused by safe_mode: safe_mode needs 3"
    assert (found.answer.abstention, found.answer.confidence) == (Abstention.NO_EDGE, 0.55)


def test_a_neutral_on_old_candles_has_no_data() -> None:
    neutral = answer(Signal.NEUTRAL, 0.55, abstention=Abstention.NO_EDGE)
    found = guarded(neutral, [finding(GateName.FRESH_DATA, passed=False)])
    assert (found.refusal, found.answer.abstention) == (None, Abstention.NO_DATA)
