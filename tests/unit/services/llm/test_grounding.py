"""Which figures of a reasoning are real."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.llm.grounding import MARKET_NAMES, UNVERIFIED, FigureCheck, Names, ground_reasoning, real_levels

KNOWN = {
    "price": 3021.7,
    "volume_24h": 91_240.5,
    "timeframes": {
        "1h": {
            "indicators": {
                "rsi": 61.25,
                "adx": 27.4,
                "plus_di": 30.1,
                "ema_21": 3010.2,
                "ema_50": 2990.11,
                "macd_histogram": -0.0028,
                "average_true_range": 12.3,
                "average_true_range_percent": 0.41,
            },
            "support_levels": [2990.5],
            "resistance_levels": [3050.0],
        },
        "4h": {"indicators": {"rsi": 55.1}},
    },
    "model_forecast": {"probability_up": 0.573},
    "news": {"positive": 7, "fear_greed": 71.0},
}


def share_of(*texts: str, names: Names = MARKET_NAMES) -> float | None:
    """Return the share of verified figures in the texts of one reply."""
    check = FigureCheck(KNOWN, names)
    for text in texts:
        check.mark(text)
    return check.groundedness


@pytest.mark.parametrize(
    "reasoning",
    [
        "RSI is 61.3 on 1h and 55 on 4h.",
        "RSI(14) at 61 is below 70, ADX of 27.4 exceeds 25.",
        "The price of 3,021.70 holds above EMA 21 at 3010 and EMA(50) at 2,990.",
        "MACD (12, 26, 9) histogram is \u22120.0028; the 15m and 4-hour charts agree.",
        "Support lies at 2990.5 and resistance at 3050.",
        "2 of 3 timeframes agree; +DI is 30.1.",
        "The 24h volume of 91.2405e3 is usual; the range is 2990.5-3050.",
        "The model's probability of 57 % is a weak hint, as 0.573 is.",
        "The 21-period EMA is 3010.2 and has held for 3 candles.",
        "An RSI of 61.25 lies between 30 and 70, over the 50 level.",
        "The ATR is 12.3 (0.41 %).",
        "7 positive news; the fear and greed index stands at 71.",
    ],
)
def test_figures_that_were_sent_are_left_alone(reasoning: str) -> None:
    grounded = ground_reasoning(reasoning, KNOWN)
    assert grounded.reasoning == reasoning
    assert share_of(reasoning) == 1.0


@pytest.mark.parametrize(
    ("reasoning", "marked", "share"),
    [
        ("RSI(14) at 75.2 is above 70.", "75.2", 0.0),
        ("RSI of 70 is high.", "70", 0.0),
        ("RSI 61.25, ADX 55.1.", "55.1", 0.5),  # a figure of another indicator
        ("Resistance at 3,100 is near.", "3,100", 0.0),
        ("The price is 3021.7 with an EMA 200 at 2800.", "2800", 0.5),
        ("It targets 91.2k soon.", "91.2k", 0.0),
        ("Expect 1e400 or so.", "1e400", 0.0),
        ("It will rise with a probability of 75 %.", "75 %", 0.0),
        ("Fear and greed at 61.25 is greedy.", "61.25", 0.0),
        ("The RSI is between 61.25 and 64.", "64", 0.5),
    ],
)
def test_figures_that_were_not_sent_are_marked(reasoning: str, marked: str, share: float) -> None:
    grounded = ground_reasoning(reasoning, KNOWN)
    assert f"{marked} {UNVERIFIED}" in grounded.reasoning
    assert share_of(reasoning) == share
    assert grounded.reasoning.replace(f" {UNVERIFIED}", "") == reasoning


def test_words_alone_have_no_share() -> None:
    assert share_of("The trend is up on 1h and 4h.") is None


def test_several_texts_share_by_their_figures() -> None:
    texts = ["The price is 3021.7, ADX 27.4 and +DI 30.1.", "RSI is 99.", "Nothing to say."]
    assert share_of(*texts) == 0.75


def test_without_names_any_figure_that_was_sent_will_do() -> None:
    assert share_of("The price moved from 61.25 to 27.4.") == 0.0
    assert share_of("The price moved from 61.25 to 27.4.", names=()) == 1.0


@given(st.text(alphabet="RSIema 0123456789.,+-()%eE\u2212of", max_size=80))
def test_marking_adds_marks_and_nothing_else(reasoning: str) -> None:
    grounded = ground_reasoning(reasoning, KNOWN)
    assert grounded.reasoning.replace(f" {UNVERIFIED}", "") == reasoning
    assert 0 <= grounded.verified <= grounded.figures


def test_real_levels_are_in_range_on_their_side_nearest_first_and_once() -> None:
    levels = [95.0, 99.0, 99.0, 100.0, 101.0, -5.0, 0.0, 80.0, 97.0, 96.0, 98.0, float("inf")]
    assert real_levels(levels, 90.0, 110.0, 100.0, below=True) == [99.0, 98.0, 97.0, 96.0, 95.0]
    assert real_levels(levels, 90.0, 110.0, 100.0, below=False) == [101.0]
