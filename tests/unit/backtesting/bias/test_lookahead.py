"""Planted culprits are found and named, innocent values are not, and neither are the service's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtesting.bias.checks import BiasCheck, BiasKind
from backtesting.bias.futures import choose_moments, with_other_future, without_future
from backtesting.bias.indicators import catalogue_checks, feature_checks, rule_indicator_check
from backtesting.bias.lookahead import EARLY_MOMENTS, FIRST_MOMENT, Culprit, LookaheadFindings, find_lookahead
from backtesting.bias.rules import rule_check
from domain.errors import InsufficientData
from domain.hours.sessions import AROUND_THE_CLOCK
from domain.market import CandleSeries, Timeframe
from features.candle_reading.reading import read_candles
from rules.strategies import STRATEGY_NAMES
from services.market_data.longer_timeframes import higher_timeframes
from tests.fixtures.bias import CULPRITS, INNOCENT, columns, forming_candle_rule
from tests.fixtures.histories import ANALYSIS, INDICATORS, simulated

MOMENTS = 20
MARKET = simulated(11, count=1_000)


def find(*checks: BiasCheck, series: CandleSeries = MARKET, moments: int = MOMENTS) -> LookaheadFindings:
    return find_lookahead(checks, series, moments, lambda words, share: None)


def by_name(found: LookaheadFindings) -> dict[str, Culprit]:
    return {culprit.name: culprit for culprit in found.culprits}


@pytest.mark.parametrize("name", CULPRITS)
def test_planted_culprit_is_named_among_innocent_columns(name: str) -> None:
    found = find(columns(INNOCENT, {name: CULPRITS[name]}))
    assert [(culprit.kind, culprit.name) for culprit in found.culprits] == [(BiasKind.INDICATOR, name)]
    assert found.checked == {BiasKind.INDICATOR: len(INNOCENT) + 1}
    assert found.moments == len(EARLY_MOMENTS) + MOMENTS


def test_rule_that_reads_the_forming_candle_is_named_and_its_neighbor_is_not() -> None:
    (culprit,) = find(forming_candle_rule()).culprits
    assert (culprit.kind, culprit.name) == (BiasKind.RULE, "reads the forming candle")
    assert {culprit.with_future, culprit.without_future} == {"Long", "Short"}


def test_culprit_has_its_first_candle_and_both_values() -> None:
    culprit = by_name(find(columns(CULPRITS)))["next close"]
    first = EARLY_MOMENTS[0]
    assert culprit.opened_ms == MARKET.times_ms[first]
    assert culprit.with_future == MARKET.closes[first + 1]
    assert culprit.without_future is None


def test_whole_column_mean_is_wrong_from_the_first_candle_on() -> None:
    culprit = by_name(find(columns(CULPRITS)))["whole-column mean"]
    assert culprit.opened_ms == MARKET.times_ms[0]
    assert culprit.with_future == MARKET.closes[0] / MARKET.closes.mean()
    assert culprit.without_future != culprit.with_future


@pytest.mark.parametrize("rows", [3, 14, 60])
def test_short_warm_up_that_is_filled_backwards_is_found(rows: int) -> None:
    def filled(series: CandleSeries) -> pd.Series:
        return pd.Series(series.closes).rolling(rows).mean().bfill()

    culprit = by_name(find(columns({"filled": filled})))["filled"]
    assert culprit.opened_ms == MARKET.times_ms[0]
    assert culprit.with_future == pytest.approx(MARKET.closes[:rows].mean())
    assert culprit.without_future is None


def test_difference_of_a_ten_millionth_is_no_rounding() -> None:

    def slightly(series: CandleSeries) -> np.ndarray:
        return series.closes * (1 + 1e-7 * (len(series) > 500))

    assert [culprit.name for culprit in find(columns({"slightly": slightly})).culprits] == ["slightly"]


def test_value_that_is_there_only_with_the_future_is_found() -> None:
    def late(series: CandleSeries) -> np.ndarray:
        return np.where(np.arange(len(series)) < len(series) - 3, 1.0, np.nan)

    culprit = by_name(find(columns({"late": late})))["late"]
    assert (culprit.with_future, culprit.without_future) == (1.0, None)


def test_longer_timeframe_that_shows_too_early_makes_the_rules_look_ahead() -> None:
    def early(series: CandleSeries) -> dict[Timeframe, CandleSeries]:
        four = series.resample(Timeframe.H4)
        # Dated one candle back, as where the time of the close is taken for that of the open.
        times = four.times_ms - Timeframe.H4.ms
        shown = CandleSeries.of_arrays(Timeframe.H4, times, four.values, AROUND_THE_CLOCK)
        return {Timeframe.H1: series, Timeframe.H4: shown}

    names = by_name(find(rule_check(ANALYSIS, INDICATORS, early)))
    assert "direction.4h" in names
    assert "direction.1h" not in names
    # Scores, levels, stop and target are of the primary timeframe; the size follows the trend of all.
    assert not {name for name in names if name.startswith(("levels.", "score.")) or name.endswith((".stop", ".target"))}


def test_nothing_of_the_service_looks_ahead() -> None:
    rules = rule_check(ANALYSIS, INDICATORS, higher_timeframes)
    found = find(*catalogue_checks(), *feature_checks(), rule_indicator_check(INDICATORS), rules, moments=8)
    assert found.culprits == ()
    assert found.checked[BiasKind.INDICATOR] == 60
    assert found.checked[BiasKind.FEATURE] > 200
    assert found.checked[BiasKind.RULE_INDICATOR] == len(INDICATORS.names) + 4
    assert found.checked[BiasKind.RULE] > len(STRATEGY_NAMES) + 20


def test_nothing_of_the_service_looks_ahead_on_real_candles(real_data: Path) -> None:
    series = read_candles(real_data / "BTCUSDT-1h.csv.gz", 0x7FFF_FFFF_FFFF).series.part(0, 3_000)
    rules = rule_check(ANALYSIS, INDICATORS, higher_timeframes)
    checks = [*catalogue_checks(), *feature_checks(), rule_indicator_check(INDICATORS), rules]
    assert find(*checks, series=series, moments=6).culprits == ()


def test_rules_say_something_of_every_kind() -> None:
    said = rule_check(ANALYSIS, INDICATORS, higher_timeframes).measure(MARKET, np.array([500, 700, 999]))
    assert {f"score.{name}" for name in STRATEGY_NAMES} | {"verdict.signal", "verdict.ground"} <= said.keys()
    assert {"direction.1h", "direction.4h", "exits.long.stop", "exits.short.target", "levels.support.1"} <= said.keys()
    assert set(said["verdict.signal"]) <= {"Long", "Short", "Neutral"}
    assert np.isfinite(said["exits.long.stop"]).all()
    prices = MARKET.closes[[500, 700, 999]]
    assert (said["exits.long.stop"] < prices).all()
    assert (said["exits.short.stop"] > prices).all()


def test_too_few_candles_are_refused_with_the_numbers() -> None:
    with pytest.raises(InsufficientData, match="needs 200 closed candles, received 199"):
        find(columns(INNOCENT), series=MARKET.tail(199))


def test_progress_is_told_for_each_check() -> None:
    told: list[tuple[str, float]] = []
    find_lookahead([columns(INNOCENT), forming_candle_rule()], MARKET, 3, lambda *now: told.append(now))
    assert told == [("checking indicators", 0.0), ("checking rules", 0.5)]


@given(seed=st.integers(0, 10_000), count=st.integers(5, 300), at=st.floats(0, 1))
def test_other_futures_are_possible_markets_that_share_the_past(seed: int, count: int, at: float) -> None:
    series = simulated(seed, count=count)
    moment = round(at * (count - 2))
    other = with_other_future(series, moment)
    CandleSeries.ordered(other.timeframe, list(other.candles)).of_market(other.sessions)
    known = moment + 1
    assert (other.times_ms == series.times_ms[: len(other)]).all()
    assert list(other.candles[:known]) == list(series.candles[:known])
    # The moves of the real future, turned around and last one first.
    moves, real = (np.diff(np.log(one.closes[moment:])) for one in (other, series))
    assert (np.sign(moves) == -np.sign(real[::-1])).all()
    assert list(without_future(series, moment).candles) == list(series.candles[:known])


@given(first=st.integers(0, 100), more=st.integers(2, 5_000), wanted=st.integers(1, 200))
def test_moments_have_a_past_and_a_future(first: int, more: int, wanted: int) -> None:
    count = first + more
    moments = choose_moments(first, count, wanted)
    assert first <= moments[0]
    assert moments[-1] <= count - 2
    assert len(moments) == min(wanted, count - 1 - first)
    assert (moments == choose_moments(first, count, wanted)).all()


def test_moments_do_not_all_fall_on_the_close_of_a_longer_candle() -> None:
    moments = choose_moments(FIRST_MOMENT, 5_000, 40)
    assert {int(moment) % 4 for moment in moments} == {0, 1, 2, 3}
