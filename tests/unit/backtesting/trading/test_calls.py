"""Calls of each lane: what an analysis of the same market answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from backtesting.trading.calls import LANES, STRATEGY_BAR, find_lane
from backtesting.trading.orders import Call
from domain.analysis import Analysis, MarketSnapshot
from domain.errors import InvalidRequest
from domain.forecasting import Forecast
from domain.market import Timeframe
from domain.values import Signal
from rules.judgement import Judgement, judge
from rules.risk import HORIZON_CANDLES
from rules.strategies import STRATEGY_NAMES
from rules.technical import TechnicalAnalyst
from tests.fixtures.forecasting import make_forecast
from tests.fixtures.histories import context_of, dashboard, flat_series, snapshot_of
from tests.unit.rules.test_broken_series import split_market

RISING, FALLING, NOISE = dashboard(0, 0.4), dashboard(0, -0.4), dashboard(9, None)
ANALYST = TechnicalAnalyst(new_id=lambda: "id")


@dataclass(frozen=True)
class Judged:
    position: int
    judgement: Judgement


def judgement_of(snapshot: MarketSnapshot, forecast: Forecast | None = None, weight: float = 0.0) -> Judgement:
    return judge(replace(context_of(snapshot), forecast=forecast, model_weight=weight))


def calls(lane: str, *judgements: Judgement, timeframe: Timeframe = Timeframe.H1) -> list[Call]:
    judged = [Judged(10 * at, judgement) for at, judgement in enumerate(judgements)]
    return list(find_lane(lane).calls(judged, timeframe))


def assert_same_plan(call: Call, analysis: Analysis) -> None:
    risk = analysis.risk_assessment
    assert call.side is analysis.signal
    assert (call.stop, call.target) == (risk.stop_loss_suggestion, risk.take_profit_suggestion)
    assert call.size == risk.recommended_position_size
    assert call.confidence == pytest.approx(analysis.confidence, abs=5e-5)


def test_the_rules_call_what_an_analysis_answers_and_nothing_when_it_is_neutral() -> None:
    judgements = [judgement_of(market) for market in (RISING, NOISE, FALLING)]
    found = calls("rules", *judgements)
    assert [(call.position, call.side) for call in found] == [(0, Signal.LONG), (20, Signal.SHORT)]
    for call, judgement in zip(found, (judgements[0], judgements[2]), strict=True):
        assert_same_plan(call, ANALYST.assess(judgement))
        assert (call.ground, call.horizon_candles) == ("trend", HORIZON_CANDLES)


def test_the_rules_call_without_the_model_and_the_blend_with_it() -> None:
    against = make_forecast(probability_up=0.02, signal="Short", confidence=0.96)
    judgement = judgement_of(RISING, against, weight=0.8)
    (rules,), (blended,) = calls("rules", judgement), calls("blend", judgement)
    assert_same_plan(rules, ANALYST.assess(judgement.unblended))
    assert_same_plan(blended, ANALYST.assess(judgement))
    assert (rules.side, blended.side) == (Signal.LONG, Signal.SHORT)


def test_a_model_calls_by_itself_with_the_exits_of_the_rules() -> None:
    against = make_forecast(probability_up=0.2, signal="Short", confidence=0.6)
    judgement = judgement_of(RISING, against, weight=0.1)
    (call,) = calls("model", judgement)
    price = judgement.context.price
    assert (call.side, call.confidence, call.ground) == (Signal.SHORT, 0.6, "forecast")
    assert call.target < price < call.stop
    assert 0 < call.size <= 0.25
    neutral = make_forecast(probability_up=0.5, signal="Neutral", confidence=0.0)
    assert calls("model", judgement_of(RISING, neutral)) == []


def test_without_a_forecast_model_and_blend_call_nothing() -> None:
    judgement = judgement_of(RISING)
    assert calls("model", judgement) == calls("blend", judgement) == []


@pytest.mark.parametrize("name", STRATEGY_NAMES)
def test_a_strategy_calls_beyond_its_bar(name: str) -> None:
    judgement = judgement_of(RISING)
    price = judgement.context.price

    def scored(score: float) -> list[Call]:
        scores = {**judgement.rules.scores, name: score}
        return calls(name, replace(judgement, rules=replace(judgement.rules, scores=scores)))

    assert scored(STRATEGY_BAR) == scored(0.5) == scored(1 - STRATEGY_BAR) == []
    (long,), (short,) = scored(0.8), scored(0.1)
    assert (long.side, long.confidence, long.ground) == (Signal.LONG, 0.8, name)
    assert long.stop < price < long.target
    assert (short.side, short.confidence) == (Signal.SHORT, 0.9)
    assert short.target < price < short.stop


def test_a_strategy_calls_by_the_score_that_the_analysis_shows() -> None:
    judgements = [judgement_of(dashboard(seed, None)) for seed in range(12)]
    found = {call.position: call.side for call in calls("RSI Strategy", *judgements)}
    scores = [ANALYST.assess(judgement).strategy_scores["RSI Strategy"] for judgement in judgements]
    leaning = {10 * at: Signal.LONG if score > 0.5 else Signal.SHORT for at, score in enumerate(scores)}
    assert found == {at: side for at, side in leaning.items() if abs(scores[at // 10] - 0.5) > 0.15}
    assert found


@pytest.mark.parametrize("market", [snapshot_of(flat_series()), split_market(40)])
@pytest.mark.parametrize("lane", LANES)
def test_no_lane_calls_in_a_flat_market_or_across_a_split(lane: str, market: MarketSnapshot) -> None:
    sure = make_forecast(probability_up=0.99, signal="Long", confidence=0.98)
    judgement = judgement_of(market, sure, weight=1.0)
    scores = dict.fromkeys(STRATEGY_NAMES, 1.0)
    assert calls(lane, replace(judgement, rules=replace(judgement.rules, scores=scores))) == []


def test_the_time_limit_is_that_of_the_plan_in_candles_of_the_traded_series() -> None:
    (call,) = calls("rules", judgement_of(RISING), timeframe=Timeframe.M15)
    assert call.horizon_candles == 4 * HORIZON_CANDLES


def test_a_strategy_that_was_not_asked_is_refused() -> None:
    judgement = judge(context_of(RISING, ("RSI Strategy",)))
    with pytest.raises(InvalidRequest, match="momentum was not asked"):
        calls("momentum", judgement)


def test_an_unknown_lane_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidRequest, match="no lane astrology; there are rules, model, blend, RSI Strategy"):
        find_lane("astrology")
