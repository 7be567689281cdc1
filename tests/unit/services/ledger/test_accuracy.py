"""Figures of scored signals, against scikit-learn and by hand."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.feedback import Outcome
from domain.values import Signal
from services.ledger.accuracy import Scored, measure

DIRECTIONS = (Signal.LONG, Signal.SHORT)
KINDS = list(product(DIRECTIONS, (Outcome.SUCCESS, Outcome.FAILURE)))


def scored(signal: Signal, outcome: Outcome, count: int, known: int = 0, confidence: float = 0.0) -> Scored:
    return Scored("technical", signal, outcome, count, known, confidence)


def test_nothing_scored_is_all_zero() -> None:
    found = measure([])
    assert set(vars(found).values()) == {0}


def test_one_direction_alone_has_its_own_figures() -> None:
    found = measure([scored(Signal.LONG, Outcome.SUCCESS, 3), scored(Signal.LONG, Outcome.FAILURE, 1)])
    assert (found.scored, found.successes, found.accuracy, found.precision) == (4, 3, 0.75, 0.75)
    assert found.recall == 0.5  # every rise was called, no fall was


def test_neutral_outcomes_are_counted_and_judge_nothing() -> None:
    found = measure([scored(Signal.LONG, Outcome.SUCCESS, 1), scored(Signal.LONG, Outcome.NEUTRAL, 9)])
    assert (found.scored, found.successes, found.accuracy) == (10, 1, 1.0)


def test_neutral_signals_have_an_accuracy_and_no_direction() -> None:
    found = measure([scored(Signal.NEUTRAL, Outcome.SUCCESS, 2), scored(Signal.NEUTRAL, Outcome.FAILURE, 2)])
    assert (found.accuracy, found.precision, found.recall, found.f1) == (0.5, 0, 0, 0)


def test_the_average_confidence_is_of_those_that_have_one() -> None:
    found = measure(
        [
            scored(Signal.LONG, Outcome.SUCCESS, 3, known=2, confidence=1.2),
            scored(Signal.SHORT, Outcome.FAILURE, 1, known=1, confidence=0.3),
        ]
    )
    assert found.average_confidence == pytest.approx(0.5)


@given(st.lists(st.integers(1, 40), min_size=4, max_size=4))
def test_where_both_directions_were_called_it_is_the_macro_average(counts: list[int]) -> None:
    # Seconds that collecting the tests does without.
    from sklearn.metrics import accuracy_score, precision_score, recall_score

    found = measure([scored(*kind, count) for kind, count in zip(KINDS, counts, strict=True)])
    called = [signal for (signal, _), count in zip(KINDS, counts, strict=True) for _ in range(count)]
    came = [
        signal if outcome is Outcome.SUCCESS else next(other for other in DIRECTIONS if other is not signal)
        for (signal, outcome), count in zip(KINDS, counts, strict=True)
        for _ in range(count)
    ]
    assert found.accuracy == pytest.approx(accuracy_score(came, called))
    assert found.precision == pytest.approx(precision_score(came, called, average="macro"))
    assert found.recall == pytest.approx(recall_score(came, called, average="macro"))
