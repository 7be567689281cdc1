"""Signed results: whatever is altered is noticed, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from backtesting.trials.run_card import digest_of, is_genuine, signed
from domain.errors import InvalidRequest

KEY = SecretStr("correct-horse")
RESULT: dict[str, Any] = {
    "total_return": 0.25,
    "trades": 12,
    "profit_factor": None,
    "by_side": {"Long": {"expectancy": 1.0}},
    "run": {"settings": {"lane": "rules"}, "trial": 1},
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_a_signed_result_is_genuine_after_a_journey_as_json() -> None:
    result = signed(RESULT, KEY)
    assert is_genuine(json.loads(json.dumps(result, indent=2)), KEY)
    assert is_genuine(dict(reversed(result.items())), KEY)


def test_numbers_may_be_written_in_another_form() -> None:
    text = json.dumps(signed(RESULT, KEY)).replace('"expectancy": 1.0', '"expectancy": 1')
    assert is_genuine(json.loads(text), KEY)


@pytest.mark.parametrize(
    "change",
    [
        {"total_return": 0.26},
        {"trades": 13},
        {"more": 1},
        {"by_side": {"Long": {"expectancy": 1.1}}},
    ],
)
def test_an_altered_figure_is_noticed(change: dict[str, Any]) -> None:
    assert not is_genuine({**signed(RESULT, KEY), **change}, KEY)


def test_an_altered_run_card_and_another_key_are_noticed() -> None:
    result = signed(RESULT, KEY)
    assert not is_genuine({**result, "run": {**result["run"], "trial": 2}}, KEY)
    assert not is_genuine({**result, "run": {**result["run"], "signature": "é"}}, KEY)
    assert not is_genuine(result, SecretStr("battery-staple"))


@pytest.mark.parametrize("result", [{}, {"run": None}, {"run": {}}, {"run": {"signature": 5}}])
def test_what_has_no_signature_is_refused_in_words(result: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="no run card with a signature"):
        is_genuine(result, KEY)


@given(JSON)
def test_any_values_keep_their_digest_as_json(values: Any) -> None:
    assert digest_of(json.loads(json.dumps(values))) == digest_of(values)
