"""Drift compares the rows that live forecasts read: with the leader where its candles are stored."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from domain.market import Timeframe
from domain.values import utc_time
from features.columns.feature_sets import LED
from features.feature_engineering import FeatureEngineer
from models.drift.reference import TrainingReference
from models.registry.registry import Registry
from models.serving.forecasts import newest_rows
from models.serving.loaded_models import load_version
from services.drift.market_rows import DriftCandles
from services.drift.version_references import VersionReference
from tests.fixtures.clocks import SettableClock
from tests.fixtures.leading import BITCOIN, COIN, add_led, kept
from tests.fixtures.settling import Shelf

STRETCH = 20


async def test_the_newest_row_is_that_of_a_live_forecast(tmp_path: Path) -> None:
    registry, shelf = Registry(tmp_path), Shelf()
    model = add_led(registry)
    columns = tuple(column.name for column in LED.columns)
    training = TrainingReference.of(FeatureEngineer(LED).matrix(COIN, BITCOIN)[LED.warm_up :], columns, STRETCH)
    references = [VersionReference(LED, training)]
    forecaster = load_version(registry, model.version)
    shelf.candles["ETHUSDT", Timeframe.H1] = kept(COIN)
    with ThreadPoolExecutor(1) as executor:
        candles = DriftCandles(shelf, SettableClock(utc_time(COIN.last_close_ms)), executor)
        for leader in (None, BITCOIN):
            if leader is not None:
                shelf.candles["BTCUSDT", Timeframe.H1] = kept(leader)
            # Bitcoin has a model of its own here, so that the rows are those of the coin.
            found = await candles.rows(model, ["BTCUSDT"], references)
            (rows,) = found.rows
            live = newest_rows(forecaster, [(COIN, leader)])[0][LED.name][0, -1]
            assert (len(rows), found.lacking) == (STRETCH, "")
            np.testing.assert_allclose(rows[-1], live, rtol=1e-6, atol=1e-9)
    alone, led = (newest_rows(forecaster, [(COIN, leader)])[0][LED.name][0, -1] for leader in (None, BITCOIN))
    differ = {columns[at] for at in np.flatnonzero(~np.isclose(alone, led, rtol=1e-6))}
    assert differ == {columns[at] for at in LED.leader_places}
    assert model.leader("ETHUSDT") == "BTCUSDT"
