"""Whether a body names a share whose holidays are not loaded."""

from __future__ import annotations

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
