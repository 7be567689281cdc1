"""The columns of the feature sets, their ids, and the engineer that computes them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.errors import InsufficientData
from domain.market import CandleSeries, Timeframe
from features.columns.column import compared, scaled
from features.columns.feature_sets import EXTENDED, FEATURE_SETS, STANDARD, WIDE, FeatureSet
from features.feature_engineering import FeatureEngineer
from features.indicators.catalogue import indicator
from tests.fixtures.exchange_candles import exchange_candles
from tests.fixtures.feature_values import COLUMNS, FILE, summaries
from tests.fixtures.histories import simulated

SETS = pytest.mark.parametrize("feature_set", FEATURE_SETS.values(), ids=FEATURE_SETS)


@pytest.fixture(scope="module")
def market() -> CandleSeries:
    return simulated(11, timeframe=Timeframe.M15, count=1500)


def test_the_sets_have_their_sizes() -> None:
    assert len(STANDARD.columns) == 75
    assert len(WIDE.columns) == 240
    assert len(EXTENDED.columns) == 126
    assert WIDE.columns[:75] == EXTENDED.columns[:75] == STANDARD.columns


def test_the_extended_set_needs_no_longer_history_than_the_standard_one() -> None:
    """Clients post 50 candles of four hours: their newest row is known."""
    assert (EXTENDED.warm_up, EXTENDED.history) == (STANDARD.warm_up, STANDARD.history) == (49, 396)


def test_the_standard_set_has_every_group_of_the_specification() -> None:
    counts: dict[str, int] = {}
    for column in STANDARD.columns:
        counts[column.group] = counts.get(column.group, 0) + 1
    assert counts["lag"] == 20
    assert counts["time"] == 6
    assert sum(counts[group] for group in ("trend", "momentum", "volatility", "volume", "pattern")) >= 36
    assert counts["price"] == 8


@SETS
def test_names_are_unique_and_plain(feature_set: FeatureSet) -> None:
    names = [column.name for column in feature_set.columns]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_.]*", name) for name in names)
    assert all(column.unit and column.source and column.definition for column in feature_set.columns)


@SETS
def test_no_two_columns_have_the_same_values(feature_set: FeatureSet, market: CandleSeries) -> None:
    # In the simulated market a candle opens where the last closed, and no month passes.
    known = {"oc_spread", "month_sin", "month_cos"}
    values = FeatureEngineer(feature_set).transform(market).iloc[feature_set.warm_up :].drop(columns=list(known))
    related = np.abs(np.corrcoef(values.to_numpy().T))
    pairs = [(values.columns[i], values.columns[j]) for i, j in np.argwhere(np.triu(related, 1) > 0.99999)]
    assert pairs == []


def test_ids_are_those_of_the_models_that_were_trained() -> None:
    """A change here makes every trained model unusable: change it on purpose only."""
    assert (STANDARD.id, EXTENDED.id, WIDE.id) == ("21da1d4e6e02", "72ef4ebed6df", "0ddb1e6fdb86")


def test_columns_have_the_values_that_models_were_trained_on() -> None:
    """Another formula needs another name of its column: an id tells names and parameters apart, not formulas."""
    kept, found = json.loads(FILE.read_text(encoding="utf-8")), summaries()
    assert list(kept) == list(found) == [column.name for column in COLUMNS]
    changed = [name for name, values in found.items() if values != pytest.approx(kept[name], rel=1e-8, abs=1e-10)]
    assert changed == []


def test_wording_is_no_part_of_an_id() -> None:
    for feature_set in FEATURE_SETS.values():
        reworded = [
            replace(column, definition="another", unit="another", source="another", group="another")
            for column in feature_set.columns
        ]
        assert FeatureSet("reworded", tuple(reworded)).id == feature_set.id


@SETS
@pytest.mark.parametrize(
    "change",
    [{"name": "another"}, {"neutral": 7.0}, {"own_warm_up": 7}, {"factor": 7}, {"needs": (indicator("wma"),)}],
    ids=["name", "neutral", "own_warm_up", "factor", "needs"],
)
@pytest.mark.parametrize("place", [0, 30, -1])
def test_a_set_with_another_column_has_another_id(feature_set: FeatureSet, change: dict[str, Any], place: int) -> None:
    columns = list(feature_set.columns)
    columns[place] = replace(columns[place], **change)
    assert FeatureSet(feature_set.name, tuple(columns)).id not in {known.id for known in FEATURE_SETS.values()}


def test_ids_are_the_same_in_another_process() -> None:
    code = (
        "from features.columns.feature_sets import FEATURE_SETS; print(*(known.id for known in FEATURE_SETS.values()))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    root = Path(__file__).resolve().parents[3]
    printed = subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, check=True)
    assert printed.stdout.decode().split() == [known.id for known in FEATURE_SETS.values()]


def test_ids_tell_order_and_parameters_apart() -> None:
    columns = (scaled(indicator("rsi", period=14)), scaled(indicator("atr")))
    sets = [
        columns,
        columns[::-1],
        columns[:1],
        (scaled(indicator("rsi", period=15)), columns[1]),
        (replace(columns[0], neutral=50), columns[1]),
        (replace(columns[0], name="another"), columns[1]),
    ]
    assert len({FeatureSet("test", chosen).id for chosen in sets}) == len(sets)
    assert FeatureSet("another name", columns).id == FeatureSet("test", columns).id


def test_a_scale_that_no_model_can_use_is_refused() -> None:
    for family in ("obv", "vpt", "adi", "nvi", "volume_sma", "force_index"):
        with pytest.raises(ValueError, match="not scale-free"):
            scaled(indicator(family))


def test_scales_become_distances_shares_or_stay(market: CandleSeries) -> None:
    columns = (
        scaled(indicator("ema", period=9)),
        scaled(indicator("atr")),
        scaled(indicator("rsi")),
        compared(indicator("sma", period=5), indicator("sma", period=10)),
    )
    table = FeatureEngineer(FeatureSet("test", columns)).transform(market)
    assert table.columns.tolist() == ["ema_9_distance", "atr_14_share", "rsi_14", "sma_5_to_sma_10"]
    close = market.frame["close"]
    expected = close.rolling(5).mean().iloc[-1] / close.rolling(10).mean().iloc[-1] - 1
    assert table["sma_5_to_sma_10"].iloc[-1] == pytest.approx(expected, rel=1e-9)
    assert abs(table["ema_9_distance"].iloc[-1]) < 0.1
    assert 0 < table["atr_14_share"].iloc[-1] < 0.1
    assert 1 < table["rsi_14"].iloc[-1] < 99


@SETS
def test_both_engines_give_the_same_table(feature_set: FeatureSet, market: CandleSeries) -> None:
    recent = market.tail(700)
    fast = FeatureEngineer(feature_set).transform(recent)
    ours = FeatureEngineer(feature_set, "ta").transform(recent)
    same = np.isclose(fast.to_numpy(), ours.to_numpy(), rtol=1e-8, atol=1e-10, equal_nan=True).all(axis=0)
    assert fast.columns[~same].tolist() == []


@SETS
def test_a_table_has_a_row_per_candle_in_one_block(feature_set: FeatureSet, market: CandleSeries) -> None:
    engineer = FeatureEngineer(feature_set)
    table = engineer.transform(market)
    assert table.columns.tolist() == engineer.feature_columns
    assert table.index.tolist() == [candle.timestamp for candle in market.candles]
    assert table.index.name == "timestamp"
    assert set(table.dtypes) == {np.dtype(np.float64)}
    np.testing.assert_array_equal(engineer.matrix(market), table.to_numpy())


@SETS
@pytest.mark.parametrize("length", [1, 60, 96])
def test_the_last_window_is_the_end_of_the_table(feature_set: FeatureSet, length: int, market: CandleSeries) -> None:
    engineer = FeatureEngineer(feature_set)
    window = engineer.last_window(market, length)
    assert window.shape == (length, len(feature_set.columns))
    whole = engineer.transform(market).to_numpy()
    assert (np.abs(window - whole[-length:]) <= 1e-6 * np.maximum(1, np.abs(whole[-length:]))).all()


@SETS
@pytest.mark.parametrize("timeframe", [Timeframe.M15, Timeframe.H1])
def test_the_last_window_is_the_end_of_the_table_on_an_exchanges_candles(
    feature_set: FeatureSet, timeframe: Timeframe
) -> None:
    """A request computes the rows that a model was trained on, relative to the value or the column's usual size."""
    series = exchange_candles(3, timeframe, 5000)
    engineer = FeatureEngineer(feature_set)
    table = engineer.transform(series).to_numpy()
    sizes = np.sqrt((table[feature_set.warm_up :] ** 2).mean(axis=0))
    for end in range(1500, 5001, 500):
        window = engineer.last_window(CandleSeries(series.timeframe, series.candles[:end]), 60)
        expected = table[end - 60 : end]
        assert (np.abs(window - expected) <= 1e-6 * np.maximum(np.abs(expected), sizes) + 1e-13).all()


def test_the_last_window_looks_further_back_across_gaps() -> None:
    series = simulated(12, timeframe=Timeframe.M15, count=4000)
    gapped = CandleSeries(series.timeframe, [c for i, c in enumerate(series.candles) if i < 2000 or i % 40])
    engineer = FeatureEngineer(WIDE)
    assert np.array_equal(engineer.last_window(gapped, 96), engineer.transform(gapped).to_numpy()[-96:])


@SETS
def test_a_window_without_its_warm_up_is_refused_with_the_numbers(
    feature_set: FeatureSet, market: CandleSeries
) -> None:
    engineer, needed = FeatureEngineer(feature_set), feature_set.warm_up + 60
    assert np.isfinite(engineer.last_window(market.tail(needed), 60)).all()
    with pytest.raises(InsufficientData, match=rf"60 rows .*{feature_set.name}.* needs {needed} 15m .*{needed - 1}$"):
        engineer.last_window(market.tail(needed - 1), 60)
