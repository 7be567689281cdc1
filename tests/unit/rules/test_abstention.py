"""Why the rules are Neutral: no edge in the candles, or no candles to judge by."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.market import CandleSeries, Timeframe
from domain.trading.gates import Abstention
from domain.values import Signal
from tests.fixtures.histories import assess, dashboard, flat_series, simulated, snapshot_of


@given(st.integers(0, 500), st.sampled_from([-0.5, 0.0, 0.1, 0.5]))
def test_only_a_neutral_abstains(seed: int, drift: float) -> None:
    found = assess(dashboard(seed, drift))
    assert found.abstention is (Abstention.NO_EDGE if found.signal is Signal.NEUTRAL else None)


def test_a_flat_market_has_no_edge() -> None:
    assert assess(snapshot_of(flat_series())).abstention is Abstention.NO_EDGE


def test_a_series_that_has_just_broken_off_is_no_data() -> None:
    series = simulated([9, 1], 0.4, Timeframe.H1, 400)
    values = series.values.copy()
    values[-40:, :4] *= 0.1
    broken = CandleSeries.of_arrays(Timeframe.H1, series.times_ms, values)
    assert assess(snapshot_of(broken)).abstention is Abstention.NO_DATA
