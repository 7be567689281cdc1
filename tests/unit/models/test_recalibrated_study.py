"""What a study says a model would have stated in service, recalibrated from its own settled forecasts."""

from __future__ import annotations

import numpy as np
import pytest

from config.model_settings import ModelSettings
from domain.arrays import FloatArray
from domain.market import CandleSeries, Timeframe
from models.evaluation.out_of_sample import OutOfSample
from models.evaluation.time_axis import TimeAxis
from models.studies.recalibrated import recalibrated
from tests.fixtures.planted_market import reversal_market
from tests.fixtures.settings import configured

MARKETS = ("AAAUSDT", "BBBUSDT")
DAYS = 400


@pytest.fixture(scope="module")
def markets() -> dict[str, CandleSeries]:
    return {name: reversal_market(24 * DAYS, 0.5, seed) for seed, name in enumerate(MARKETS)}


def predictions(axis: TimeAxis, slope: float, seed: int = 5) -> OutOfSample:
    """Return a prediction of every slot whose true log odds are `slope` times the stated ones."""
    rng = np.random.default_rng(seed)
    slots = np.arange(len(axis.opens_ms) * len(axis.markets))
    odds = rng.normal(0.0, 0.6, len(slots))
    rises = rng.random(len(slots)) < _share(slope * odds)
    said = _share(odds)
    return OutOfSample(slots, said, said, np.where(rises, 0.01, -0.01), np.zeros(len(slots), np.int64))


def _share(odds: FloatArray) -> FloatArray:
    share: FloatArray = 1.0 / (1.0 + np.exp(-odds))
    return share


def test_what_is_too_sure_is_corrected_once_enough_has_settled(markets: dict[str, CandleSeries]) -> None:
    axis = TimeAxis.of(markets)
    said = predictions(axis, slope=0.3)
    corrected = recalibrated(said, axis, Timeframe.H1, 1, configured(ModelSettings))
    changed = np.flatnonzero(corrected.probability != said.probability)
    first_day = changed[0] // (24 * len(MARKETS))
    assert 30 < first_day < 200  # 2,000 settled forecasts are needed, and a quarter of them has to show it
    before, after = said.scores(), corrected.scores()
    assert after.brier < before.brier
    assert after.ece < before.ece / 2
    assert (np.sign(corrected.probability - 0.5) == np.sign(said.probability - 0.5)).mean() > 0.95


def test_a_correction_knows_nothing_of_later_candles(markets: dict[str, CandleSeries]) -> None:
    axis = TimeAxis.of(markets)
    said = predictions(axis, slope=0.3)
    cut = len(said.rows) * 2 // 3
    other = OutOfSample(
        said.rows,
        np.where(np.arange(len(said.rows)) < cut, said.probability, 1.0 - said.probability),
        said.raw,
        np.where(np.arange(len(said.rows)) < cut, said.returns, -2.0 * said.returns),
        said.fold,
    )
    whole, changed = (recalibrated(given, axis, Timeframe.H1, 1, configured(ModelSettings)) for given in (said, other))
    assert (whole.probability[:cut] != said.probability[:cut]).any()
    np.testing.assert_array_equal(whole.probability[:cut], changed.probability[:cut])


def test_what_is_as_sure_as_it_should_be_stays(markets: dict[str, CandleSeries]) -> None:
    axis = TimeAxis.of(markets)
    said = predictions(axis, slope=1.0)
    corrected = recalibrated(said, axis, Timeframe.H1, 1, configured(ModelSettings))
    assert corrected.scores().brier == pytest.approx(said.scores().brier, abs=2e-4)
