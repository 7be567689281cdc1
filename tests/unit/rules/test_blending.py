"""The blend of rules and model: its signal, with stop and target on the right sides."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analysis import Analysis, AnalysisSource, MarketSnapshot
from domain.trading.lanes import Lane
from domain.values import Signal
from rules.judgement import judge
from rules.technical import TechnicalAnalyst
from tests.fixtures.forecasting import make_forecast
from tests.fixtures.histories import assert_numbers_are_known, context_of, dashboard, flat_series, snapshot_of

RISING, FALLING, NOISE = dashboard(0, 0.4), dashboard(0, -0.4), dashboard(9, None)
TORN, FLAT = dashboard(7, None), snapshot_of(flat_series())
CONTEXTS = {name: context_of(series) for name, series in (("rising", RISING), ("falling", FALLING), ("noise", NOISE))}
RULES = TechnicalAnalyst(new_id=lambda: "id")


def judged(snapshot: MarketSnapshot, weight: float, probability: float, **changes: object) -> Analysis:
    """Return the analysis of a market of which a model has an opinion."""
    forecast = make_forecast(probability_up=probability, **changes)
    return RULES.assess(judge(replace(context_of(snapshot), forecast=forecast, model_weight=weight)))


@pytest.mark.parametrize(
    ("market", "weight", "probability", "signal"),
    [
        (RISING, 0.3, 0.5, Signal.LONG),  # a model without an opinion leaves a clear trend
        (RISING, 0.3, 0.9, Signal.LONG),
        (RISING, 0.3, 0.1, Signal.NEUTRAL),  # one against it holds the signal back
        (RISING, 0.8, 0.02, Signal.SHORT),  # one that is sure and counts for much turns it around
        (RISING, 1.0, 0.5, Signal.NEUTRAL),
        (FALLING, 0.3, 0.5, Signal.SHORT),
        (FALLING, 0.3, 0.9, Signal.NEUTRAL),
        (FALLING, 0.8, 0.98, Signal.LONG),
        (NOISE, 0.8, 0.98, Signal.LONG),
        (NOISE, 0.8, 0.02, Signal.SHORT),
        (NOISE, 0.3, 0.6, Signal.NEUTRAL),
        (TORN, 0.8, 0.98, Signal.NEUTRAL),  # timeframes that disagree
        (FLAT, 1.0, 0.99, Signal.NEUTRAL),  # nothing to earn, whatever the model says
    ],
)
def test_the_direction_of_both_decides(
    market: MarketSnapshot, weight: float, probability: float, signal: Signal
) -> None:
    analysis = judged(market, weight, probability)
    assert analysis.signal is signal
    assert analysis.source is AnalysisSource.ENSEMBLE
    assert analysis.model_type == "technical-rules+lstm"
    assert_numbers_are_known(analysis)


@given(
    name=st.sampled_from(sorted(CONTEXTS)),
    weight=st.floats(0, 1),
    probability=st.floats(0, 1),
    disagreement=st.floats(0, 0.5),
)
def test_stop_and_target_are_always_on_the_sides_of_the_signal(
    name: str, weight: float, probability: float, disagreement: float
) -> None:
    context = replace(CONTEXTS[name], forecast=make_forecast(probability_up=probability, disagreement=disagreement))
    analysis = RULES.assess(judge(replace(context, model_weight=weight)))
    risk, price = analysis.risk_assessment, analysis.price
    stop, target = risk.stop_loss_suggestion, risk.take_profit_suggestion
    if analysis.signal is Signal.NEUTRAL:
        assert (stop, target, risk.recommended_position_size) == (None, None, 0)
    else:
        assert stop is not None
        assert target is not None
        side = 1 if analysis.signal is Signal.LONG else -1
        assert stop * side < price * side < target * side
        assert 0 < risk.recommended_position_size <= 1


def test_disagreement_lowers_the_confidence() -> None:
    alone = RULES.assess(judge(CONTEXTS["rising"]))
    agreeing, against, turned = (judged(RISING, 0.3, probability) for probability in (0.99, 0.35, 0.02))
    assert alone.signal is agreeing.signal is against.signal is Signal.LONG
    assert turned.signal is Signal.NEUTRAL
    assert edge(agreeing) >= edge(alone) - 0.01
    assert edge(against) < 0.8 * edge(agreeing)
    light = judged(RISING, 0.05, 0.02)  # it hardly moves the direction, and yet it contradicts
    assert light.signal is Signal.LONG
    assert edge(light) < 0.5 * edge(alone)
    members = [judged(RISING, 0.3, 0.99, disagreement=spread) for spread in (0.0, 0.1, 0.3, 0.5)]
    assert [member.confidence for member in members] == sorted((m.confidence for m in members), reverse=True)
    assert edge(members[-1]) == pytest.approx(0.7 * edge(members[0]), rel=0.03)


def edge(analysis: Analysis) -> float:
    """Return what the evidence adds to the probability of chance."""
    assert analysis.evidence is not None
    return analysis.evidence.target_first - analysis.evidence.break_even


def test_a_direction_that_the_model_weakens_is_a_greater_risk_and_gets_less_capital() -> None:
    alone, weaker = RULES.assess(judge(CONTEXTS["rising"])).risk_assessment, judged(RISING, 0.3, 0.5).risk_assessment
    assert weaker.technical_risk > alone.technical_risk
    assert 0 < weaker.recommended_position_size < alone.recommended_position_size


@pytest.mark.parametrize("market", [RISING, FALLING, NOISE, FLAT])
def test_advice_changes_nothing_but_says_so(market: MarketSnapshot) -> None:
    alone, advised = RULES.assess(judge(context_of(market))), judged(market, 0.0, 0.03, signal="Short")
    sentence = (
        "The lstm model gives a probability of 0.03 that the next 1h candle closes higher, Short by itself; "
        "the signal does not depend on it."
    )
    assert sentence in advised.reasoning
    silent = advised.reasoning.replace(f" {sentence}", "")
    assert advised.forecast is not None
    assert advised.model_copy(update={"forecast": None, "reasoning": silent, "lanes": alone.lanes}) == alone


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("market", [RISING, FALLING, NOISE, FLAT])
def test_the_lanes_are_what_rules_and_model_say_without_each_other(market: MarketSnapshot, weight: float) -> None:
    alone = RULES.assess(judge(context_of(market)))
    lanes = judged(market, weight, 0.03, signal="Short", confidence=0.94).lanes
    assert lanes is not None
    assert lanes.rules == Lane(side=alone.signal, probability=None, confidence=alone.confidence)
    assert lanes.model == Lane(side=Signal.SHORT, probability=0.03, confidence=0.94)
    assert lanes.llm is None
    assert alone.lanes == lanes.model_copy(update={"model": None})


def test_the_unblended_judgement_is_answered_as_without_the_model() -> None:
    forecast = make_forecast(probability_up=0.02)
    judgement = judge(replace(context_of(RISING), forecast=forecast, model_weight=0.8))
    alone = RULES.assess(judge(context_of(RISING)))
    unblended = RULES.assess(judgement.unblended)
    assert RULES.assess(judgement).signal is Signal.SHORT
    assert (unblended.signal, unblended.confidence) == (Signal.LONG, alone.confidence)
    assert unblended.risk_assessment == alone.risk_assessment
    assert unblended.source is AnalysisSource.TECHNICAL


def test_the_reasoning_names_the_model_that_turned_a_signal() -> None:
    analysis = judged(FALLING, 0.8, 0.98, horizon_candles=4)
    assert analysis.reasoning.startswith("Long: rules and model together point up at a price of ")
    assert "The lstm model gives a probability of 0.98 that 1h closes higher 4 candles on." in analysis.reasoning
    # What the market is like is still what the candles show.
    assert analysis.market_analysis == RULES.assess(judge(context_of(FALLING))).market_analysis


def test_a_weight_without_a_forecast_is_the_rules_alone() -> None:
    context = replace(CONTEXTS["rising"], forecast_note="no model")
    analysis = RULES.assess(judge(replace(context, model_weight=0.8)))
    assert analysis == RULES.assess(judge(context))
    assert (analysis.source, analysis.forecast_note) == (AnalysisSource.TECHNICAL, "no model")
