"""What trades and hit rates say of settings and models, and where they say nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ledger.entries import LedgerLane
from domain.trading.trades import ClosedTrade
from models.evaluation.metrics import Scores as ModelScores
from services.ledger.scoring.records import Record
from services.llm.grounding import FigureCheck
from services.reviews.findings import ReviewEvidence, review
from services.reviews.settings_by_llm import held_to_the_facts
from services.reviews.settings_prompt import self_analysis_prompt
from services.reviews.settings_reply import SelfAnalysisReply
from services.reviews.trade_figures import MIN_TRADES, believed_trades, group_of, groups_of, statistics_of
from tests.fixtures.models import make_metadata
from tests.fixtures.newest_days import a_week, record_of, trend

SIGNAL = {"min_confidence": 0.6, "timeframe": "15m"}


def trade(number: int, percent: float, **changes: Any) -> ClosedTrade:
    fields: dict[str, Any] = {
        "trade_id": f"t-{number}",
        "symbol": "BTCUSDT",
        "side": "Long",
        "entry_price": 100.0,
        "exit_price": 101.0,
        "quantity": 1.0,
        "leverage": 1.0,
        "pnl_usdt": percent,
        "pnl_percentage": percent,
        "strategy_name": "RSI Strategy",
        "ai_confidence": 0.7,
        "trusted": True,
    }
    return ClosedTrade(**fields | changes)


def trades(count: int, mean: float, **changes: Any) -> list[ClosedTrade]:
    """Return trades that swing evenly by 2 % about a mean."""
    return [trade(number, mean + (2.0 if number % 2 else -2.0), **changes) for number in range(count)]


def record(hits: int, count: int) -> Record:
    """Return the model's record of independent calls one candle on."""
    return record_of(hits, count, LedgerLane.MODEL)


def evidence(closed: list[ClosedTrade], **changes: Any) -> ReviewEvidence:
    known: dict[str, Any] = {"records": [], "model": None, "indicators": {"rsi_period": 14}, "signal": SIGNAL}
    known["week"] = a_week()
    return ReviewEvidence(trades=closed, days=30, **known | changes)


def with_model(accuracy: float, hits: int, count: int) -> dict[str, Any]:
    """Return a model of that accuracy in 5,000 predictions, and how often it was right since."""
    metrics = ModelScores(count=5_000, ups=2_500, accuracy=accuracy, intervals={})
    return {
        "model": make_metadata(metrics=metrics),
        "records": [record(hits, count)],
    }


def test_with_too_few_figures_a_review_only_names_the_missing_ones() -> None:
    found = review(evidence(trades(MIN_TRADES - 1, -5.0)))
    assert (found.suggestions, found.advice) == (None, None)
    assert found.missing.startswith("29 closed trades were reported by trusted clients in 30 days, 30 are needed")
    assert (found.statistics.total_trades, found.statistics.win_rate_low) == (29, None)


def test_a_confidence_under_which_trades_lose_for_sure_is_suggested_with_its_figures() -> None:
    closed = [*trades(60, -1.0, ai_confidence=0.62), *trades(60, 0.8, ai_confidence=0.72)]
    found = review(evidence(closed)).suggestions
    assert found is not None
    (change,) = found.changes
    assert (change.setting, change.current, change.suggested) == ("min_confidence", 0.6, 0.65)
    assert "confidence from 0.6 to 0.65: 60 trades, mean -1.00 % of the margin" in change.reason
    assert found.confidence > 0.999


@pytest.mark.parametrize(
    "closed",
    [
        trades(120, 0.0),  # nothing lost
        [*trades(60, -0.1, ai_confidence=0.62), *trades(60, 0.8, ai_confidence=0.72)],  # it may be chance
        [*trades(60, -1.0, ai_confidence=0.62), *trades(60, -2.0, ai_confidence=0.72)],  # the sure ones are no better
        [*trades(60, -1.0, ai_confidence=0.55), *trades(60, 0.8, ai_confidence=0.72)],  # the bar is there already
        trades(120, -1.0, ai_confidence=None),
    ],
)
def test_without_evidence_no_setting_is_suggested(closed: list[ClosedTrade]) -> None:
    found = review(evidence(closed)).suggestions
    assert found is not None
    assert (found.changes, found.confidence) == ([], 0.0)
    assert found.summary == "The trades suggest no change of a setting."


def test_the_strategy_that_loses_is_named_and_those_within_chance_are_not() -> None:
    closed = [*trades(40, -1.5, strategy_name="MACD Strategy"), *trades(40, 1.4, side="SHORT")]
    found = review(evidence(closed)).suggestions
    assert found is not None
    assert found.root_cause == "The losses stand out in: strategy MACD Strategy."
    assert [issue.partition(":")[0] for issue in found.key_issues] == ["strategy MACD Strategy", "side Long"]
    assert {group.name for group in groups_of(closed)} >= {"side Short", "symbol BTCUSDT"}


def test_advice_follows_what_was_measured_of_the_model() -> None:
    def advised(accuracy: float, hits: int, count: int) -> tuple[str, str, float]:
        found = review(evidence([], **with_model(accuracy, hits, count))).advice
        assert found is not None
        return found.recommendation, found.urgency, found.confidence

    assert advised(0.54, 400, 1_000)[:2] == ("retrain", "high")
    assert advised(0.54, 400, 1_000)[2] > 0.975
    assert advised(0.54, 530, 1_000)[:2] == ("wait", "low")
    assert advised(0.54, 600, 1_000)[2] > 0.99  # sure that nothing got worse
    assert advised(0.54, 14, 30)[:2] == ("wait", "low")  # 47 % of thirty is chance


def test_a_model_that_surely_got_worse_in_the_newest_days_is_to_be_trained_though_its_longer_record_hides_it() -> None:
    def advised(hits: int, count: int) -> tuple[str, str]:
        week = a_week(model=trend(record_of(hits, count, LedgerLane.MODEL)))
        found = review(evidence([], **with_model(0.54, 530, 1_000), week=week)).advice
        assert found is not None
        return found.recommendation, found.urgency

    assert advised(60, 200) == ("retrain", "high")
    assert advised(95, 200) == ("wait", "low")  # 47.5 % of 200 may be chance
    assert advised(5, 25) == ("wait", "low")  # too few to be judged


def test_evidence_for_a_setting_is_the_advice_while_the_model_keeps_its_quality() -> None:
    closed = [*trades(60, -1.0, ai_confidence=0.62), *trades(60, 0.8, ai_confidence=0.72)]
    found = review(evidence(closed, **with_model(0.54, 530, 1_000))).advice
    assert found is not None
    assert (found.recommendation, found.urgency) == ("optimize_parameters", "medium")
    assert "confidence from 0.6 to 0.65" in found.reasoning


def test_without_a_model_in_production_one_is_to_be_trained() -> None:
    found = review(evidence(trades(40, 0.0))).advice
    assert found is not None
    assert (found.recommendation, found.urgency, found.confidence) == ("retrain", "low", 1.0)


def test_only_trades_of_trusted_clients_are_believed() -> None:
    documents = [{"trade_data": trade(number, 1.0, trusted=number > 1).model_dump()} for number in range(4)]
    documents += [{}, {"trade_data": {"trade_id": "half"}}]
    assert [trade.trade_id for trade in believed_trades(documents)] == ["t-2", "t-3"]


@given(percents=st.lists(st.floats(-100, 100), min_size=MIN_TRADES, max_size=80))
def test_the_interval_holds_the_mean_and_a_group_that_surely_loses_lies_below_zero(percents: list[float]) -> None:
    group = group_of("all", [trade(number, percent) for number, percent in enumerate(percents)])
    assert group is not None
    assert group.low - 1e-9 <= group.mean_percent <= group.high + 1e-9
    assert 0 <= group.loses <= 1
    if group.loses > 0.9751:
        assert group.high <= 1e-9
    found = statistics_of([trade(number, percent) for number, percent in enumerate(percents)])
    assert found.win_rate_low is not None
    assert found.win_rate_high is not None
    assert found.win_rate_low - 0.01 <= found.win_rate <= found.win_rate_high + 0.01


def reply(**changes: Any) -> SelfAnalysisReply:
    said: dict[str, Any] = {
        "root_cause": "Longs lose where the confidence is low.",
        "key_issues": ["MACD Strategy loses"],
        "summary": "Ask for more confidence before a trade.",
        "risk_assessment": "Fewer trades, so less is learned.",
        "changes": [],
        "recommendation": "wait",
        "confidence": 0.4,
        "reasoning": "The model is as good as it was.",
        "urgency": "low",
        "suggested_actions": ["Look again in a week"],
    }
    return SelfAnalysisReply(**said | changes)


def change(setting: str, value: float) -> dict[str, Any]:
    return {"setting": setting, "value": value, "reason": "the figures say so"}


def test_the_llm_may_change_only_settings_that_it_was_shown_within_bounds() -> None:
    known = evidence(trades(40, -0.1))
    measured, facts = review(known), self_analysis_prompt(known).facts
    proposed = [
        change("rsi_period", 20.6),
        change("min_confidence", 0.6),  # as it is
        change("min_confidence", 7.0),
        change("timeframe", 1.0),
        change("max_leverage", 3.0),
    ]
    found = held_to_the_facts(reply(changes=proposed), facts, measured, FigureCheck(facts))
    assert found.suggestions is not None
    assert found.advice is not None
    assert [(change.setting, change.suggested) for change in found.suggestions.changes] == [("rsi_period", 21)]
    assert found.suggestions.root_cause == "Longs lose where the confidence is low."
    # Enough trades, so there are some.
    assert found.suggestions.data_quality == measured.suggestions.data_quality  # type: ignore[union-attr]
    assert (found.advice.recommendation, found.advice.confidence) == ("wait", 0.4)


def test_a_change_measured_by_the_rules_counts_more_than_that_of_the_llm() -> None:
    known = evidence([*trades(60, -1.0, ai_confidence=0.62), *trades(60, 0.8, ai_confidence=0.72)])
    facts = self_analysis_prompt(known).facts
    proposed = [change("min_confidence", 0.9)]
    found = held_to_the_facts(reply(changes=proposed), facts, review(known), FigureCheck(facts))
    assert found.suggestions is not None
    assert [change.suggested for change in found.suggestions.changes] == [0.65]


def test_figures_that_the_llm_was_not_given_are_marked_and_no_date_is_asked_about() -> None:
    known = evidence(trades(40, -0.1))
    prompt = self_analysis_prompt(known)
    assert "2026" not in prompt.user
    said = reply(reasoning="It was right in 77.7 of 40 trades.")
    check = FigureCheck(prompt.facts)
    found = held_to_the_facts(said, prompt.facts, review(known), check)
    assert found.advice is not None
    assert found.advice.reasoning == "It was right in 77.7 [unverified] of 40 trades."
    assert check.groundedness == 0.5


def test_where_the_rules_have_too_little_the_llm_has_nothing_to_say() -> None:
    known = evidence([], **with_model(0.54, 530, 1_000))
    facts = self_analysis_prompt(known).facts
    found = held_to_the_facts(reply(), facts, review(known), FigureCheck(facts))
    assert found.suggestions is None
    assert found.advice is not None
    nothing = replace(review(known), advice=None)
    assert held_to_the_facts(reply(), facts, nothing, FigureCheck(facts)).advice is None
