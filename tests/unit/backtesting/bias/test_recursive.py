"""How much history values need: windows exactly theirs, averages until they have faded, totals never."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtesting.bias.checks import BiasCheck, BiasKind, Values
from backtesting.bias.indicators import catalogue_checks, rule_indicator_check
from backtesting.bias.recursive import LENGTHS, ErrorUnit, HistoryNeed, longest_stretch, measure_history
from backtesting.bias.rules import rule_check
from domain.arrays import IntArray
from domain.errors import InsufficientData
from domain.market import Candle, CandleSeries
from features.candle_reading.reading import read_candles
from features.indicators.catalogue import FAMILIES, indicator
from tests.fixtures.bias import INNOCENT, Column, columns
from tests.fixtures.histories import ANALYSIS, INDICATORS, START_MS, simulated

MARKET = simulated(12, count=2_500)


def needs(*checks: BiasCheck, series: CandleSeries = MARKET) -> dict[str, HistoryNeed]:
    return {need.name: need for need in measure_history(checks, series, lambda words, share: None)}


def need(column: Column, series: CandleSeries = MARKET) -> HistoryNeed:
    return needs(columns({"it": column}), series=series)["it"]


@settings(max_examples=15)
@given(length=st.integers(1, 1_100))
def test_window_needs_its_own_length(length: int) -> None:
    found = need(lambda series: pd.Series(series.closes).rolling(length).mean().to_numpy())
    assert found.needed_candles == length
    assert {short for short, error in found.errors.items() if error is None} == {n for n in LENGTHS if n < length}


@pytest.mark.parametrize("span", [5, 21, 50, 200])
def test_average_needs_history_until_its_start_has_faded(span: int) -> None:
    found = need(lambda series: pd.Series(series.closes).ewm(span=span, adjust=False).mean().to_numpy())
    assert found.needed_candles is not None
    # The start weighs (1 - alpha) ** candles, times how far it was from the average: at most a few percent here.
    faded = math.log(1e-6) / math.log(1 - 2 / (span + 1))
    assert 0.6 * faded < found.needed_candles <= faded + 1
    errors = [error for error in found.errors.values() if error is not None]
    assert errors[0] >= errors[2] >= errors[4] >= errors[5]


def test_running_total_never_settles() -> None:
    found = need(INNOCENT["running total"])
    assert found.needed_candles is None
    assert all(error is not None and error > 0.1 for error in found.errors.values())


def test_rank_among_all_before_never_settles() -> None:
    assert need(INNOCENT["rank so far"]).needed_candles is None


def test_errors_are_shares_of_the_range_where_values_cross_zero() -> None:
    def moves(series: CandleSeries) -> np.ndarray:
        """Return the move of a candle, and for short histories a hundredth of the usual range too much."""
        found = np.append(0.0, np.diff(series.closes))
        usual = np.diff(MARKET.closes[-1_250:])
        return found + (0.01 * (usual.max() - usual.min()) if len(series) < 150 else 0.0)

    found = need(moves)
    assert found.unit is ErrorUnit.RANGE
    assert found.errors[60] == pytest.approx(0.01, rel=0.3)
    assert found.errors[200] == 0
    assert found.needed_candles == 150


def test_errors_are_shares_of_the_value_where_it_is_a_price() -> None:
    found = need(lambda series: series.closes * (1.02 if len(series) < 300 else 1.0))
    assert found.unit is ErrorUnit.VALUE
    assert found.errors[200] == pytest.approx(0.02)
    assert found.needed_candles == 300


def test_words_are_compared_by_the_share_of_moments() -> None:
    def measure(series: CandleSeries, positions: IntArray) -> dict[str, Values]:
        return {"it": np.array(["Long" if len(series) < 100 else "Short"] * len(positions), dtype=object)}

    found = needs(BiasCheck(BiasKind.RULE, measure, each=True))["it"]
    assert (found.unit, found.needed_candles) == (ErrorUnit.MOMENTS, 100)
    assert (found.errors[60], found.errors[100]) == (1.0, 0.0)


def test_value_that_is_never_there_needs_nothing_and_has_no_error() -> None:
    found = need(lambda series: np.full(len(series), np.nan))
    assert found.needed_candles is None
    assert set(found.errors.values()) == {None}


def test_catalogue_declares_no_less_than_it_needs() -> None:
    found = needs(*catalogue_checks())
    declared = {indicator(name).name: indicator(name).settled for name in FAMILIES}
    assert found.keys() == declared.keys()
    for name, settled in declared.items():
        needed = found[name].needed_candles
        assert (needed is None) == (settled is None), name
        assert needed is None or settled is None or needed <= settled, name


def test_rules_need_more_than_the_least_that_they_accept() -> None:
    check = rule_check(ANALYSIS.model_copy(update={"window_candles": 2_500}), INDICATORS, lambda s: {s.timeframe: s})
    found = needs(check)
    assert found["score.Volume Strategy"].needed_candles == ANALYSIS.min_candles
    trend = found["score.trend_following"].needed_candles
    assert trend is not None
    assert 150 < trend < 600
    # Levels are the turns of all candles that are read.
    assert found["levels.resistance.5"].needed_candles is None


def test_real_candles_give_the_figures_of_the_field(real_data: Path) -> None:
    series = read_candles(real_data / "BTCUSDT-1h.csv.gz", 0x7FFF_FFFF_FFFF).series.part(0, 20_000)
    found = needs(rule_indicator_check(INDICATORS), series=longest_stretch(series))
    assert 150 < (found["rsi"].needed_candles or 0) < 300
    assert 200 < (found["ema_50"].needed_candles or 0) < 400
    assert found["sma_50"].needed_candles == 50
    assert [name for name, one in found.items() if one.needed_candles is None] == [
        "on_balance_volume",
        "average_true_range_percentile",
    ]


def test_lengths_beyond_the_file_are_left_out() -> None:
    found = need(INNOCENT["mean"], MARKET.tail(400))
    assert list(found.errors) == [60, 100, 200, 300]
    assert found.needed_candles == 20


def test_too_few_candles_are_refused_with_the_numbers() -> None:
    with pytest.raises(InsufficientData, match="takes 300 closed candles without a break, there are 299"):
        need(INNOCENT["mean"], MARKET.tail(299))


def test_value_that_settles_after_the_last_common_length_is_measured_all_the_same() -> None:
    found = need(lambda series: pd.Series(series.closes).rolling(550).mean().to_numpy(), MARKET.tail(1_000))
    assert (found.needed_candles, found.errors[500]) == (550, None)


def test_longest_stretch_has_no_break() -> None:
    hole = 20 * MARKET.timeframe.ms
    early, late = MARKET.candles[:400], MARKET.candles[400:2_000]
    moved = [Candle(c.timestamp + hole, c.open, c.high, c.low, c.close, c.volume) for c in late]
    found = longest_stretch(CandleSeries(MARKET.timeframe, [*early, *moved]))
    assert len(found) == 1_600
    assert found.times_ms[0] == START_MS + 400 * MARKET.timeframe.ms + hole
    assert len(longest_stretch(MARKET)) == len(MARKET)
