"""How often signals were right: what is counted, against which price, and when it is too little to tell."""

from __future__ import annotations

from datetime import timedelta
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analysis import AnalysisSource
from domain.values import Signal, epoch_ms
from services.ledger.hit_rates import MIN_SIGNALS, HitRate, Prices, hit_rates, share_interval
from storage.ports import ArchivedSignal
from tests.fixtures.analyses import NOON

HOUR = timedelta(hours=1)
START_MS, HOUR_MS = epoch_ms(NOON), 3_600_000
LONG_AFTER_MS = START_MS + 10_000 * HOUR_MS


def signal(
    hours: float, direction: Signal = Signal.LONG, price: float = 100.0, symbol: str = "BTCUSDT"
) -> ArchivedSignal:
    return ArchivedSignal(symbol, direction, AnalysisSource.TECHNICAL, price, None, NOON + hours * HOUR)


def prices(closes: list[float]) -> Prices:
    """Return a market with one price an hour."""
    return Prices((START_MS + hour * HOUR_MS, close) for hour, close in enumerate(closes))


def rates(signals: list[ArchivedSignal], market: Prices, now_ms: int = LONG_AFTER_MS) -> dict[int, HitRate]:
    return {rate.horizon_hours: rate for rate in hit_rates(signals, {"BTCUSDT": market, "ETHUSDT": market}, now_ms)}


def test_hits_are_counted_against_the_price_a_horizon_later() -> None:
    """Three rises of one percent, then a fall of one: a Long every hour is right three times of four."""
    closes = [100.0]
    for hour in range(40):
        closes.append(closes[-1] * (0.99 if hour % 4 == 3 else 1.01))
    found = rates([signal(hour, price=closes[hour]) for hour in range(40)], prices(closes))[1]
    assert (found.signals, found.hits, found.hit_rate, found.baseline) == (40, 30, 0.75, 0.75)
    assert found.mean_return == pytest.approx((0.01 * 3 - 0.01) / 4)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.75 < found.high


def test_a_short_is_right_when_the_price_falls_and_neutral_ones_do_not_count() -> None:
    closes = [100.0 * 0.99**hour for hour in range(100)]
    signals = [signal(hour, Signal.SHORT, closes[hour]) for hour in range(40)]
    signals += [signal(hour, Signal.NEUTRAL, closes[hour]) for hour in range(40, 80)]
    found = rates(signals, prices(closes))[1]
    assert (found.signals, found.hits) == (40, 40)
    assert found.mean_return == pytest.approx(0.01)


def test_signals_of_one_symbol_that_overlap_count_once() -> None:
    market = prices([100.0 + hour for hour in range(500)])
    signals = [signal(minutes / 60, price=100.0) for minutes in range(0, 240 * 60, 5)]
    assert {hours: rate.signals for hours, rate in rates(signals, market).items()} == {1: 240, 4: 60, 24: 10}
    other = [signal(hour, symbol="ETHUSDT") for hour in range(240)]
    assert rates(signals + other, market)[1].signals == 480


def test_with_too_few_there_is_a_count_and_no_share() -> None:
    market = prices([100.0 + hour for hour in range(100)])
    signals = [signal(hour) for hour in range(MIN_SIGNALS - 1)]
    assert rates(signals, market)[1] == HitRate(1, MIN_SIGNALS - 1)
    assert rates([*signals, signal(MIN_SIGNALS)], market)[1].hits == MIN_SIGNALS
    assert rates([], market)[24] == HitRate(24, 0)


def test_signals_that_have_not_ended_or_lack_a_price_at_their_end_are_not_counted() -> None:
    signals = [signal(hour) for hour in range(60)]
    whole = prices([100.0 + hour for hour in range(100)])
    assert rates(signals, whole, now_ms=START_MS + 40 * HOUR_MS)[1].signals == 40
    assert rates(signals, prices([100.0 + hour for hour in range(31)]))[1].signals == 30
    assert rates(signals, Prices([]))[1].signals == 0


def test_the_price_is_the_newest_one_up_to_the_end_within_a_quarter_of_the_horizon() -> None:
    known = Prices([(0, 1.0), (10, 2.0), (20, 3.0)])
    assert [known.at(time, time - 5) for time in (0, 9, 10, 14, 16, 25, 26)] == [1.0, None, 2.0, 2.0, None, 3.0, None]


@given(count=st.integers(1, 5_000), share=st.floats(0, 1))
def test_the_interval_holds_the_share_and_both_ends_are_where_the_score_test_turns(count: int, share: float) -> None:
    hits = round(count * share)
    low, high = share_interval(hits, count)
    assert 0 <= low <= hits / count + 1e-12
    assert hits / count - 1e-12 <= high <= 1
    z = NormalDist().inv_cdf(0.975)
    for end in (low, high):
        if 0 < end < 1:
            assert abs(hits / count - end) == pytest.approx(z * (end * (1 - end) / count) ** 0.5, rel=1e-6, abs=1e-9)
