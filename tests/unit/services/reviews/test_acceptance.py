"""Whether the newest days are acceptable, and by which figures."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.watch_settings import SelfAnalysisSettings
from domain.analysis import DataSource, MarketSnapshot
from domain.ledger.entries import PLAN, LedgerLane
from domain.market import Candle, CandleSeries, Timeframe
from services.reviews.acceptance import WeekOutcome, assess
from services.reviews.market_days import market_day
from tests.fixtures.newest_days import a_week, record_of, trend
from tests.fixtures.settings import configured

SETTINGS = configured(SelfAnalysisSettings, min_calls=30, min_hit_rate=0.5, min_net_r=-0.05)
HOUR_MS = Timeframe.H1.ms


def model_record(hits: int, count: int, brier: float) -> object:
    return record_of(hits, count, LedgerLane.MODEL, stated=float(count), brier=brier * count)


def test_too_few_settled_calls_are_an_outcome_of_their_own() -> None:
    for week in (a_week(), a_week(timeframe="1h", calls=record_of(0, 29))):
        found = assess(week, SETTINGS)
        assert found.outcome is WeekOutcome.INSUFFICIENT
        assert "30 independent ones are needed" in found.reasons[0]


@pytest.mark.parametrize(("hits", "outcome"), [(50, WeekOutcome.ACCEPTABLE), (49, WeekOutcome.BELOW)])
def test_the_hit_rate_has_to_keep_its_bound(hits: int, outcome: WeekOutcome) -> None:
    found = assess(a_week(timeframe="1h", calls=record_of(hits, 100)), SETTINGS)
    assert found.outcome is outcome
    assert f"{hits}.0% of 100 calls on 1h were right" in found.reasons[0]
    assert found.reasons[-1] == "no model is in production"


@pytest.mark.parametrize(("net_r", "outcome"), [(-0.04, WeekOutcome.ACCEPTABLE), (-0.06, WeekOutcome.BELOW)])
def test_plans_have_to_come_to_their_bound_after_costs(net_r: float, outcome: WeekOutcome) -> None:
    plans = record_of(40, 100, horizon=PLAN, r=0.0, r_costs=-net_r * 100)
    assert assess(a_week(timeframe="1h", calls=record_of(60, 100), plans=plans), SETTINGS).outcome is outcome
    few = record_of(10, 20, horizon=PLAN, r=0.0, r_costs=20.0)
    assert (
        assess(a_week(timeframe="1h", calls=record_of(60, 100), plans=few), SETTINGS).outcome is WeekOutcome.ACCEPTABLE
    )


@pytest.mark.parametrize(
    ("hits", "brier", "words"),
    [
        (54, 0.248, None),
        (50, 0.267, None),
        (48, 0.248, "was right in 48.0% of 100 calls, in 54.0% when it was trained, bound 49.0%"),
        (54, 0.27, "its Brier score is 0.2700 over 100 forecasts, 0.2480 when it was trained, bound 0.2680"),
    ],
)
def test_the_model_is_held_against_its_training(hits: int, brier: float, words: str | None) -> None:
    # Has what is read of a trend.
    week = a_week(timeframe="1h", calls=record_of(60, 100), model=trend(model_record(hits, 100, brier)))  # type: ignore[arg-type]
    found = assess(week, SETTINGS)
    assert found.outcome is (WeekOutcome.ACCEPTABLE if words is None else WeekOutcome.BELOW)
    assert words is None or words in found.reasons[0]


def test_a_model_without_settled_forecasts_is_said_to_be_unmeasured() -> None:
    found = assess(a_week(timeframe="1h", calls=record_of(60, 100), model=trend(None)), SETTINGS)
    assert found.outcome is WeekOutcome.ACCEPTABLE
    assert found.reasons[-1].startswith("too few forecasts of lstm_model_20260131_120000 are settled")


@given(closes=st.lists(st.floats(1, 1_000), min_size=25, max_size=60))
def test_the_day_of_a_market_is_its_newest_24_hours(closes: list[float]) -> None:
    candles = [Candle(number * HOUR_MS, close, close, close, close, 1.0) for number, close in enumerate(closes)]
    series = CandleSeries(Timeframe.H1, candles)
    snapshot = MarketSnapshot("BTCUSDT", {Timeframe.H1: series}, closes[-1], None, DataSource.CLIENT)
    day = market_day(snapshot, len(closes) * HOUR_MS)
    assert day is not None
    assert day.change_percent == pytest.approx(100 * (closes[-1] / closes[-25] - 1), abs=1e-3)
    steps = [math.log(later / earlier) for earlier, later in pairwise(closes[-25:])]
    assert day.volatility_percent == pytest.approx(100 * math.sqrt(math.fsum(step**2 for step in steps)), abs=1e-3)


def test_candles_of_less_than_a_day_tell_no_day() -> None:
    candles = [Candle(number * HOUR_MS, 1.0, 1.0, 1.0, 1.0, 1.0) for number in range(24)]
    snapshot = MarketSnapshot("X", {Timeframe.H1: CandleSeries(Timeframe.H1, candles)}, 1.0, None, DataSource.CLIENT)
    assert market_day(snapshot, 24 * HOUR_MS) is None
