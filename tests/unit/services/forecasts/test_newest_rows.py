"""Rows of features are computed once per closed candle, and are always those of the candles asked about."""

from __future__ import annotations

import numpy as np
import pytest

from domain.errors import InsufficientData
from domain.market import Candle, CandleSeries
from features.columns.feature_sets import STANDARD
from features.feature_engineering import FeatureEngineer
from models.registry.registry import Registry
from models.serving.forecaster import Forecaster
from models.serving.loaded_models import load_version
from services.forecasts.newest_rows import NewestRows
from tests.fixtures.forecasting import BEST, H1, HISTORY, LEAST, put_in_production
from tests.fixtures.models import LENGTH

pytest_plugins = ["tests.fixtures.registry"]

ALL = [Candle(c.timestamp, c.open, c.high, c.low, c.close, c.volume) for c in HISTORY.candles]


@pytest.fixture
def model(registry: Registry) -> Forecaster:
    return load_version(registry, put_in_production(registry))


def computed(candles: list[Candle]) -> np.ndarray:
    return FeatureEngineer(STANDARD).last_window(CandleSeries(H1, candles), LENGTH)


@pytest.mark.parametrize("count", [BEST, BEST + 50])
def test_equal_candles_have_the_rows_that_were_computed_before(model: Forecaster, count: int) -> None:
    """Candles before those that the rows need change nothing."""
    rows = NewestRows()
    first = rows.of(model, CandleSeries(H1, list(ALL)))
    assert rows.of(model, CandleSeries(H1, ALL[-count:])) is first
    assert np.array_equal(first["standard"], [computed(ALL)])


def test_a_candle_that_closed_has_rows_of_its_own(model: Forecaster) -> None:
    rows = NewestRows()
    before = rows.of(model, CandleSeries(H1, ALL[:-1]))["standard"]
    after = rows.of(model, CandleSeries(H1, ALL))["standard"]
    assert np.array_equal(before, [computed(ALL[:-1])])
    assert np.array_equal(after, [computed(ALL)])
    assert not np.array_equal(before, after)


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "volume"])
@pytest.mark.parametrize("place", [-1, -LENGTH])
def test_a_candle_that_was_corrected_has_rows_of_its_own(model: Forecaster, field: str, place: int) -> None:
    rows, corrected = NewestRows(), list(ALL)
    factor = {"high": 1.001, "low": 0.999}.get(field, 1.0000001)
    corrected[place] = ALL[place]._replace(**{field: getattr(ALL[place], field) * factor})
    rows.of(model, CandleSeries(H1, ALL))
    found = rows.of(model, CandleSeries(H1, corrected))["standard"]
    assert np.array_equal(found, [computed(corrected)])
    assert not np.array_equal(found, [computed(ALL)])


def test_the_same_prices_at_another_hour_have_rows_of_their_own(model: Forecaster) -> None:
    rows, later = NewestRows(), [candle._replace(timestamp=candle.timestamp + 5 * H1.ms) for candle in ALL]
    rows.of(model, CandleSeries(H1, ALL))
    assert np.array_equal(rows.of(model, CandleSeries(H1, later))["standard"], [computed(later)])


def test_the_market_that_was_asked_about_least_recently_is_forgotten(model: Forecaster) -> None:
    rows, markets = NewestRows(max_markets=2), [CandleSeries(H1, ALL[: len(ALL) - back]) for back in range(3)]
    first, second = (rows.of(model, candles) for candles in markets[:2])
    assert rows.of(model, markets[0]) is first
    rows.of(model, markets[2])
    assert rows.of(model, markets[0]) is first
    assert rows.of(model, markets[1]) is not second


def test_no_reader_can_change_the_rows_of_the_next(model: Forecaster) -> None:
    values = NewestRows().of(model, CandleSeries(H1, ALL))["standard"]
    with pytest.raises(ValueError, match="read-only"):
        values[0, 0, 0] = 1.0


def test_too_few_candles_are_refused_each_time(model: Forecaster) -> None:
    rows, few = NewestRows(), CandleSeries(H1, ALL[-LEAST + 1 :])
    for _ in range(2):
        with pytest.raises(InsufficientData, match=f"needs {LEAST} closed 1h candles, received {LEAST - 1}"):
            rows.of(model, few)


def test_rows_that_are_read_ahead_are_those_of_each_market(model: Forecaster) -> None:
    """Those of a market with too few candles are refused when it is asked about."""
    rows, few = NewestRows(), CandleSeries(H1, ALL[-LEAST + 1 :])
    markets = [CandleSeries(H1, ALL[: len(ALL) - back]) for back in range(4)]
    rows.read_ahead(model, [*((series, None) for series in markets), (few, None)])
    for back, series in enumerate(markets):
        assert np.array_equal(rows.of(model, series)["standard"], [computed(ALL[: len(ALL) - back])])
    with pytest.raises(InsufficientData):
        rows.of(model, few)
