"""Drivers of a forecast: what is named, in which unit, and that they lead to the probability that is answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from config.model_settings import ModelSettings, ServingSettings
from config.settings import FeatureSettings
from domain.errors import InsufficientData, ModelCorrupt
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.market import Timeframe
from features.columns.feature_sets import FEATURE_SETS, STANDARD
from features.feature_engineering import FeatureEngineer
from models.evaluation.calibration import Calibration
from models.registry.metadata import ModelMetadata
from models.registry.registry import Registry
from models.serving.forecaster import OnnxForecaster
from models.serving.forecasts import newest_forecast
from models.serving.loaded_models import load_version
from models.training.training_run import TrainingRequest
from services.training.managers import open_manager
from tests.fixtures.models import add_ensemble, add_explained, add_model, feature_rows, make_scaler
from tests.fixtures.planted_market import reversal_market
from tests.fixtures.settings import configured

pytest_plugins = ["tests.fixtures.registry"]
COLUMNS = tuple(column.name for column in STANDARD.columns)
MARKET = reversal_market(1_500, 0.7, seed=3)


def load(registry: Registry, metadata: ModelMetadata) -> OnnxForecaster:
    return OnnxForecaster.load(registry.open(metadata.version))


def at(statistic: int, column: str) -> int:
    return statistic * len(COLUMNS) + COLUMNS.index(column)


def test_the_greatest_come_first_with_statistic_formula_and_unscaled_value(registry: Registry) -> None:
    terms = np.zeros(4 * len(COLUMNS))
    wanted = {at(0, "rsi_14"): 5.0, at(1, "price_return_1"): -4.0, at(2, "ema_9_distance"): 3.0, at(3, "cci_20"): 2.0}
    for place, size in wanted.items():
        terms[place] = size
    forecaster = load(registry, add_explained(registry, terms))
    window = feature_rows(1)["standard"][0]
    of_each = forecaster.drivers({"standard": window[None]})
    assert of_each is not None
    (drivers,) = of_each
    scaled = make_scaler(STANDARD).apply(window, COLUMNS)
    found = {(driver.column, driver.statistic): driver for driver in drivers}
    assert set(found) == {
        ("rsi_14", "last"), ("price_return_1", "mean"), ("ema_9_distance", "deviation"), ("cci_20", "change"),
    }  # fmt: skip
    sizes = [abs(driver.contribution) for driver in drivers]
    assert sizes == sorted(sizes, reverse=True)
    rsi, ema = COLUMNS.index("rsi_14"), COLUMNS.index("ema_9_distance")
    last, deviation = found["rsi_14", "last"], found["ema_9_distance", "deviation"]
    assert last.value == pytest.approx(window[-1, rsi], rel=1e-6)
    assert last.contribution == pytest.approx(5 * scaled[-1, rsi], rel=1e-5)
    assert deviation.value == pytest.approx(window[:, ema].std(), rel=1e-6)
    assert deviation.contribution == pytest.approx(3 * scaled[:, ema].std(), rel=1e-5)
    assert found["price_return_1", "mean"].value == pytest.approx(window[:, COLUMNS.index("price_return_1")].mean())
    assert (last.description, deviation.description) == (None, "close / ema_9 - 1")


def test_there_are_five_at_most_and_the_calibration_scales_them(registry: Registry) -> None:
    terms = np.ones(4 * len(COLUMNS))
    plain = load(registry, add_explained(registry, terms))
    halved = load(registry, add_explained(registry, terms, calibration=Calibration(kind="sigmoid", slope=0.5)))
    constant = load(registry, add_explained(registry, terms, calibration=Calibration(kind="sigmoid", slope=0.0)))
    rows = feature_rows(3)
    whole, halves = plain.drivers(rows), halved.drivers(rows)
    assert whole is not None
    assert halves is not None
    for first, half in zip(whole, halves, strict=True):
        assert len(first) == 5
        assert [driver.contribution for driver in half] == pytest.approx([driver.contribution / 2 for driver in first])
    assert constant.drivers(rows) == [(), (), ()]


def test_a_window_among_others_has_the_drivers_that_it_has_alone(registry: Registry) -> None:
    forecaster = load(registry, add_explained(registry, np.linspace(-3, 2, 4 * len(COLUMNS))))
    rows = feature_rows(20)["standard"]
    together = forecaster.drivers({"standard": rows})
    assert together is not None
    assert [[drivers] for drivers in together] == [forecaster.drivers({"standard": row[None]}) for row in rows]


def test_what_explains_nothing_has_none(registry: Registry) -> None:
    network = add_model(registry)
    explained = add_explained(registry, np.ones(4 * len(COLUMNS)))
    ensemble = add_ensemble(registry, (network, 0.5), (explained, 0.5))
    rows = feature_rows(1)
    assert load(registry, network).drivers(rows) is None
    forecaster = load_version(registry, ensemble.version)
    assert forecaster.drivers(rows) is None


def test_rows_that_are_not_known_are_refused_as_by_the_forecast(registry: Registry) -> None:
    forecaster = load(registry, add_explained(registry, np.ones(4 * len(COLUMNS))))
    rows = feature_rows(1)
    rows["standard"][0, -1, 4] = np.nan
    with pytest.raises(InsufficientData, match=COLUMNS[4]):
        forecaster.drivers(rows)


def test_an_explanation_of_another_model_is_refused(registry: Registry) -> None:
    metadata = add_explained(registry, np.ones(7))
    with pytest.raises(ModelCorrupt, match=rf"{metadata.version}: explanation.npz explains 7 inputs"):
        load(registry, metadata)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[ModelType], tuple[Registry, ModelMetadata]]:
    def train(kind: ModelType) -> tuple[Registry, ModelMetadata]:
        models = configured(
            ModelSettings,
            save_path=str(tmp_path_factory.mktemp("models")),
            evaluation={"folds": 1},
            lightgbm={"trees": 60, "learning_rate": 0.1},
            xgboost={"trees": 30},
        )
        manager = open_manager(models, configured(FeatureSettings), 14, lambda: datetime(2026, 1, 1, tzinfo=UTC))
        request = TrainingRequest(kind, ANY_SYMBOL, Timeframe.H1)
        return manager.registry, manager.train(request, {"BTCUSDT": MARKET}, lambda _: None).model

    return train


@pytest.mark.slow
@pytest.mark.parametrize("kind", [ModelType.LIGHTGBM, ModelType.XGBOOST, ModelType.LOGISTIC])
def test_a_trained_model_names_what_the_market_is_made_of(
    trained: Callable[[ModelType], tuple[Registry, ModelMetadata]], kind: ModelType
) -> None:
    registry, model = trained(kind)
    forecaster = load_version(registry, model.version)
    [(name, length)] = forecaster.needs.items()
    columns = [column.name for column in FEATURE_SETS[name].columns]
    rows = FeatureEngineer(FEATURE_SETS[name]).last_window(MARKET, length)
    forecast = newest_forecast(forecaster, "BTCUSDT", MARKET, configured(ServingSettings))
    assert [forecast.drivers] == forecaster.drivers({name: rows[None]})
    assert forecast.drivers
    # Of most columns the coefficient of logistic regression is 0.
    assert len(forecast.drivers) == 5 or kind is ModelType.LOGISTIC
    # The next move turns against the last one: what moves the forecast most points that way.
    rose = MARKET.closes[-1] > MARKET.closes[-2]
    assert (forecast.drivers[0].contribution < 0) == rose == (forecast.probability_up < 0.5)
    if kind is ModelType.LIGHTGBM:
        assert length == 1
        for driver in forecast.drivers:
            assert driver.statistic is None
            assert driver.value == rows[-1, columns.index(driver.column)]
