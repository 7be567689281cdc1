"""Whether a body names a share whose holidays are not loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from api.bodies.json_body import lacks_holidays
from domain.hours.trading_hours import known_sessions


@pytest.fixture(autouse=True)
def _holidays_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.bodies.json_body.holidays_loaded", lambda: False)


@pytest.mark.parametrize(
    ("body", "lacks"),
    [
        (b'{"symbol": "AAPL"}', True),
        (b'{"symbols": ["BTCUSDT", "PETR4.SA"]}', True),
        (b'{"symbol": "BTCUSDT"}', False),
        (b'{"symbols": ["BTCUSDT", "EURUSD=X"]}', False),
        (b'{"timeframe": "1h"}', False),
    ],
)
def test_only_shares_need_holidays(body: bytes, lacks: bool) -> None:
    assert lacks_holidays(body) is lacks


def test_a_text_too_long_for_a_symbol_is_not_remembered() -> None:
    before = known_sessions.cache_info().currsize
    assert not lacks_holidays(b'{"symbol": "%s"}' % (b"A" * 100_000))
    assert known_sessions.cache_info().currsize == before


def test_names_beyond_those_that_any_route_takes_are_not_looked_at() -> None:
    assert not lacks_holidays(b'{"symbols": [' + b'"BTCUSDT",' * 1_000 + b'"AAPL"]}')


LISTS_WITHOUT_END = """
from api.bodies.json_body import lacks_holidays

assert not lacks_holidays(b'{"x": [' + b'"symbol":[' * 400_000)
"""


def test_a_body_of_lists_without_end_is_looked_through_once() -> None:
    # In a process of its own, which can be ended: looked through from each of its lists, it would take an hour.
    subprocess.run([sys.executable, "-c", LISTS_WITHOUT_END], check=True, timeout=60)
