"""The filters of the signal stream: what goes out, what is held back and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import SignalSettings
from domain.analysis import DataSource
from domain.arrays import FloatArray
from domain.market import Timeframe
from domain.values import Signal
from services.forecasts.horizon_returns import ReturnsByTime
from services.guards.correlation import correlations
from services.signals.filters import MAX_SYMBOLS, SignalBook, StreamSignal
from tests.fixtures.analyses import make_analysis
from tests.fixtures.clocks import NOW, SettableClock
from tests.fixtures.histories import context_of, flat_series, snapshot_of
from tests.fixtures.settings import configured

TIMES = np.arange(100, dtype=np.int64) * Timeframe.M15.ms
CONTEXT = context_of(snapshot_of(flat_series()))
SHARED = np.random.default_rng(1).normal(size=100)


def returns(seed: int, likeness: float = 0.0) -> FloatArray:
    """Return returns of which about the square of `likeness` is the market's."""
    own = np.random.default_rng(seed).normal(size=100)
    mixed: FloatArray = likeness * SHARED + np.sqrt(1 - likeness**2) * own
    return mixed


def signal(symbol: str = "BTCUSDT", **changes: Any) -> StreamSignal:
    seed = sum(symbol.encode())
    values: dict[str, Any] = {
        "symbol": symbol,
        "direction": Signal.LONG,
        "confidence": 0.7,
        "risk_metrics": {},
        "at": NOW,
        "features_hash": seed,
        "timeframe": Timeframe.M15,
        "model_type": "technical-rules",
        "source_data": DataSource.BINANCE,
        "old": False,
        "price": 100.0,
        "times": TIMES,
        "returns": returns(seed),
        "answer": make_analysis(symbol=symbol),
        "context": CONTEXT,
    }
    return StreamSignal(**{**values, **changes})


def book(clock: SettableClock | None = None, **settings: Any) -> SignalBook:
    return SignalBook(configured(SignalSettings, **settings), (clock or SettableClock()).monotonic)


def test_a_signal_that_is_not_sure_enough_is_held_back() -> None:
    delivery = book(min_confidence=0.6).deliver([signal(confidence=0.59), signal("ETHUSDT", confidence=0.6)], NOW)
    assert [signal.symbol for signal, _ in delivery.signals] == ["ETHUSDT"]
    assert delivery.withheld == {"BTCUSDT": "confidence 0.59 is under 0.6"}


def test_the_surest_sides_go_first_and_the_rest_waits_a_minute() -> None:
    clock = SettableClock()
    one = book(clock, max_signals_per_minute=2)
    neutral = signal("ADAUSDT", direction=Signal.NEUTRAL, confidence=0.99)
    batch = [neutral, signal("BTCUSDT", confidence=0.61), signal("ETHUSDT", confidence=0.9)]
    first = one.deliver(batch, NOW)
    assert [signal.symbol for signal, _ in first.signals] == ["ETHUSDT", "BTCUSDT"]
    assert first.withheld == {"ADAUSDT": "2 signals went out within the last minute"}
    clock.advance(59)
    assert one.deliver([neutral], clock.now()).signals == []
    clock.advance(1)
    assert one.deliver([neutral], clock.now()).signals == [(neutral, False)]


def test_a_clock_that_is_set_does_not_change_how_many_signals_a_minute_has() -> None:
    seconds = SettableClock()
    one = book(seconds, max_signals_per_minute=1, max_correlation=1)
    ahead = NOW + timedelta(hours=1)
    assert one.deliver([signal(at=ahead)], ahead).signals != []
    assert one.deliver([signal("ETHUSDT")], NOW).signals == []
    seconds.advance(60)
    assert one.deliver([signal("ETHUSDT")], NOW).signals != []


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 30)), max_size=60))
def test_no_minute_ever_has_more_signals_than_allowed(calls: list[tuple[int, int]]) -> None:
    clock = SettableClock()
    one, sent = book(clock, max_signals_per_minute=3, max_correlation=1), list[int]()
    for number, (second, symbol) in enumerate(sorted(calls)):
        now = clock.moment = NOW + timedelta(seconds=second)
        fresh = signal(f"S{symbol:03d}", features_hash=number, at=now)
        sent += [second for _, repeated in one.deliver([fresh], now).signals if not repeated]
    assert all(sum(second <= other < second + 60 for other in sent) <= 3 for second in sent)


def test_equal_features_are_the_earlier_signal_and_count_once() -> None:
    clock = SettableClock()
    one = book(clock, max_signals_per_minute=1)
    earlier = signal()
    one.deliver([earlier], NOW)
    clock.advance(360)
    again = one.deliver([signal(at=clock.now())], clock.now())
    assert again.signals == [(earlier, True)]
    changed = one.deliver([signal(features_hash=7)], clock.now())
    assert [repeated for _, repeated in changed.signals] == [False]


@pytest.mark.parametrize(
    ("first", "second", "mirrored", "goes_out"),
    [
        (Signal.LONG, Signal.LONG, False, False),
        (Signal.LONG, Signal.SHORT, False, True),
        (Signal.LONG, Signal.SHORT, True, False),
        (Signal.LONG, Signal.LONG, True, True),
        (Signal.SHORT, Signal.SHORT, False, False),
        (Signal.LONG, Signal.NEUTRAL, False, True),
        (Signal.NEUTRAL, Signal.LONG, False, True),
    ],
)
def test_a_bet_that_is_open_already_is_held_back(first: Signal, second: Signal, mirrored: bool, goes_out: bool) -> None:
    one = book(max_correlation=0.8)
    one.deliver([signal("BTCUSDT", direction=first, returns=returns(1, 0.97))], NOW)
    like = returns(2, 0.97) * (-1 if mirrored else 1)
    delivery = one.deliver([signal("ETHUSDT", direction=second, returns=like)], NOW)
    assert bool(delivery.signals) is goes_out
    if not goes_out:
        assert delivery.withheld["ETHUSDT"].startswith(f"the same bet as the open {first} of BTCUSDT: correlation 0.9")


@pytest.mark.parametrize(("opposed", "exact", "goes_out"), [(10, 0.8, True), (8, 0.84, False)])
def test_signals_are_one_bet_beyond_the_greatest_correlation(opposed: int, exact: float, goes_out: bool) -> None:
    """Ups and downs of one size correlate by exact fractions: at the bound both signals go out."""
    ups_and_downs = np.tile([1.0, -1.0], 50)
    like = ups_and_downs * np.where(np.arange(100) < opposed, -1.0, 1.0)
    earlier, later = signal("BTCUSDT", returns=ups_and_downs), signal("ETHUSDT", returns=like)
    assert correlations(earlier, [later])[0] == exact
    one = book(max_correlation=0.8)
    one.deliver([earlier], NOW)
    assert bool(one.deliver([later], NOW).signals) is goes_out


def test_a_signal_is_open_until_its_time_or_the_next_one_of_its_symbol() -> None:
    one, like = book(open_minutes=60), signal("ETHUSDT", returns=returns(2, 0.97))
    one.deliver([signal(returns=returns(1, 0.97))], NOW)
    assert one.deliver([like], NOW + timedelta(minutes=59)).signals == []
    assert one.deliver([like], NOW + timedelta(minutes=60)).signals != []
    other = book(open_minutes=60)
    other.deliver([signal(returns=returns(1, 0.97))], NOW)
    other.deliver([signal(direction=Signal.NEUTRAL, features_hash=7)], NOW)
    assert other.deliver([like], NOW).signals != []


def test_correlation_is_of_the_candles_in_common() -> None:
    one, late = signal(returns=SHARED), signal("ETHUSDT", returns=SHARED[40:], times=TIMES[40:])
    assert correlations(one, [signal("ETHUSDT", returns=SHARED)])[0] == pytest.approx(1)
    assert correlations(one, [late])[0] == pytest.approx(1)
    assert correlations(one, [signal("ETHUSDT", returns=SHARED[70:], times=TIMES[70:])])[0] == pytest.approx(1)
    assert correlations(one, [signal("ETHUSDT", returns=2 - SHARED)])[0] == pytest.approx(-1)
    for unlike in (
        signal("ETHUSDT", returns=SHARED[71:], times=TIMES[71:]),
        signal("ETHUSDT", returns=SHARED, timeframe=Timeframe.H1),
        signal("ETHUSDT", returns=np.zeros(100)),
    ):
        assert correlations(one, [unlike])[0] == 0


def test_a_computed_signal_is_kept_for_the_time_of_the_cache() -> None:
    one, computed = book(cache_minutes=5), signal()
    one.remember(computed)
    assert one.recent("BTCUSDT", NOW + timedelta(seconds=299)) is computed
    assert one.recent("BTCUSDT", NOW + timedelta(seconds=300)) is None
    assert one.recent("ETHUSDT", NOW) is None


def test_signals_of_a_clock_that_was_ahead_are_not_fresh() -> None:
    one, ahead = book(max_signals_per_minute=10, open_minutes=60), NOW + timedelta(hours=1)
    future = signal(at=ahead, returns=returns(1, 0.97))
    one.remember(future)
    one.deliver([future], ahead)
    assert one.recent("BTCUSDT", NOW) is None
    assert one.deliver([signal("ETHUSDT", returns=returns(2, 0.97))], NOW).signals != []  # it is no open bet
    (again,) = one.deliver([signal()], NOW).signals
    assert again == (again[0], False)
    assert again[0].at == NOW


def test_a_signal_is_not_repeated_once_the_price_has_passed_its_stop_or_target() -> None:
    one = book(max_signals_per_minute=10)
    exits = {"stop_loss": 98.0, "take_profit": 104.0}
    one.deliver([signal(risk_metrics=exits)], NOW)
    for price, repeated in ((98.1, True), (103.9, True), (104.0, False)):
        fresh = signal(risk_metrics={"stop_loss": price - 2, "take_profit": price + 4}, price=price)
        ((given, again),) = one.deliver([fresh], NOW).signals
        assert again is repeated
        assert given.risk_metrics == (exits if repeated else fresh.risk_metrics)


def test_the_book_forgets_the_oldest_symbols() -> None:
    one = book(max_signals_per_minute=10_000, max_correlation=1)
    for number in range(MAX_SYMBOLS + 1):
        one.remember(signal(f"S{number:05d}"))
    assert one.recent("S00000", NOW) is None
    assert one.recent("S00001", NOW) is not None


def test_returns_of_a_sent_signal_go_out_again_with_its_repetitions() -> None:
    kept, told = book(), ReturnsByTime({900_000: 0.001}, {3_600_000: "no model"})
    ((sent, _),) = kept.deliver([signal()], NOW).signals
    kept.keep_returns(replace(sent, predicted_returns=told))
    ((again, repeated),) = kept.deliver([signal()], NOW).signals
    assert (again.predicted_returns, repeated) == (told, True)
    # A later signal has returns of its own.
    later = signal(features_hash=1, at=NOW + timedelta(seconds=1))
    kept.deliver([later], later.at)
    kept.keep_returns(replace(sent, predicted_returns=told))
    ((again, _),) = kept.deliver([later], later.at).signals
    assert again.predicted_returns is None
