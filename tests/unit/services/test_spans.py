"""The time of a series that is looked at."""

from __future__ import annotations

import pytest

from domain.errors import InsufficientData
from domain.market import CandleSeries, Timeframe
from services.job_candles.spans import require_candles_in
from tests.fixtures.analyses import make_candle

HOUR = Timeframe.H1.ms
SERIES = CandleSeries(Timeframe.H1, [make_candle(at * HOUR) for at in range(24, 48)])


@pytest.mark.parametrize(
    ("since_ms", "until_ms", "wanted"),
    [(48 * HOUR + 1, None, "since 1970-01-03 00:00"), (None, 25 * HOUR - 1, "by 1970-01-02 00:59")],
)
def test_a_time_without_candles_is_refused_with_the_reach_of_the_candles(
    since_ms: int | None, until_ms: int | None, wanted: str
) -> None:
    with pytest.raises(InsufficientData) as refused:
        require_candles_in("BTCUSDT", SERIES, since_ms, until_ms)
    assert refused.value.message == (
        f"BTCUSDT 1h has no closed candle {wanted} UTC: its candles reach from 1970-01-02 00:00 to 1970-01-03 00:00 "
        "UTC; choose a time within them, or give candles of the time"
    )


def test_the_first_and_the_last_close_are_within() -> None:
    require_candles_in("BTCUSDT", SERIES, 48 * HOUR, None)
    require_candles_in("BTCUSDT", SERIES, None, 25 * HOUR)
    require_candles_in("BTCUSDT", SERIES, None, None)
