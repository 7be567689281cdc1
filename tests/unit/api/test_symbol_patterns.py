"""The fast reading of a body accepts the symbols of the schema, no more and no fewer."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.bodies.analyze_body import SymbolText
from domain.naming.symbols import is_symbol
from tests.unit.domain.test_symbols import SYMBOLS

LETTERS = st.text(alphabet="AZ09az.-=^/_ \n", max_size=24)


@given(SYMBOLS | LETTERS | st.text(max_size=22))
def test_both_readings_of_a_body_accept_the_same_symbols(text: str) -> None:
    try:
        msgspec.convert(text, SymbolText)
    except msgspec.ValidationError:
        assert not is_symbol(text)
    else:
        assert is_symbol(text)


@pytest.mark.parametrize("text", ["BTCUSDT\n", "\nBTCUSDT", "BTC\nUSDT", "A" * 21, "btcusdt", "..", "A..B", "^", "*"])
def test_neither_accepts_what_surrounds_a_symbol(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, SymbolText)
