"""Whether a signal is acted on, as bots, the receiver and the MCP server decide it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trading_signal_client import Decision, answers, decide

from tests.fixtures.signals_of_markets import an_analysis

NOW = 1_700_000_000_000
MINUTE = 60_000
REFUSED = answers.Gate(name="cooldown", passed=False, value=1.0, needed=4.0)
PASSED = answers.Gate(name="fresh_data", passed=True, value=1.0, needed=2.0)


def test_a_signal_that_pays_its_costs_is_acted_on_with_its_levels() -> None:
    decision = decide(an_analysis(timestamp=NOW), now_ms=NOW)
    assert (decision.side, decision.stop, decision.target) == ("Long", 95.0, 110.0)
    assert decision.reason.startswith("Long at confidence 0.600, evidence")
    assert decide(an_analysis(timestamp=NOW, signal="Short"), now_ms=NOW).side == "Short"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"source_data": "synthetic"}, "the market is invented"),
        ({"timestamp": NOW - 31 * MINUTE}, "31 minutes old, and counts for 30"),
        ({"timestamp": NOW + 2 * MINUTE}, "120 s after this machine's clock"),
        ({"as_of": NOW - 31 * MINUTE}, "31 minutes old"),
        ({"signal": "Neutral", "abstention": "no edge"}, "Neutral: no edge"),
        ({"signal": "Neutral", "abstention": "no data"}, "Neutral: no data"),
        ({"signal": "Neutral", "abstention": "refused", "gates": [PASSED, REFUSED]}, "Neutral: refused by cooldown"),
        ({"confidence": 0.5}, "the confidence 0.500 is too low: it needs more than 0.5"),
        ({"confidence": 0.31}, "the confidence 0.310 is too low"),
    ],
)
def test_what_is_not_acted_on_says_why(changes: dict[str, Any], reason: str) -> None:
    decision = decide(an_analysis(**{"timestamp": NOW, **changes}), now_ms=NOW)
    assert (decision.side, decision.stop, decision.target) == (None, None, None)
    assert reason in decision.reason


def test_a_signal_without_levels_is_not_acted_on() -> None:
    analysis = an_analysis(timestamp=NOW)
    bare = analysis.risk_assessment.model_copy(update={"stop_loss_suggestion": None})
    decision = decide(analysis.model_copy(update={"risk_assessment": bare}), now_ms=NOW)
    assert (decision.side, decision.reason) == (None, "the signal has no stop and target")


def test_a_backtest_decides_at_the_moment_that_it_replays() -> None:
    replayed = an_analysis(timestamp=NOW, as_of=NOW - 90 * 1440 * MINUTE)
    assert decide(replayed, now_ms=NOW - 90 * 1440 * MINUTE).side == "Long"
    assert decide(replayed, now_ms=NOW).side is None


def test_bounds_of_confidence_and_age_may_be_stricter() -> None:
    analysis = an_analysis(timestamp=NOW - 5 * MINUTE)
    assert decide(analysis, now_ms=NOW, min_confidence=0.6).side is None
    assert decide(analysis, now_ms=NOW, max_age_seconds=240).side is None
    assert decide(analysis, now_ms=NOW, min_confidence=0.59, max_age_seconds=300).side == "Long"


@given(price=st.floats(0.5, 200.0), side=st.sampled_from(["Long", "Short"]))
def test_distances_are_from_the_price_to_the_levels(price: float, side: Any) -> None:
    stop, target = (95.0, 110.0) if side == "Long" else (110.0, 95.0)
    distances = Decision(side, "", stop, target).distances(price)
    if not 95.0 < price < 110.0:
        assert distances is None
    else:
        sign = 1 if side == "Long" else -1
        assert distances is not None
        assert price * (1 - sign * distances[0]) == pytest.approx(stop)
        assert price * (1 + sign * distances[1]) == pytest.approx(target)
    assert Decision(None, "").distances(price) is None
