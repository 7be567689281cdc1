"""Volatility: its forecast against what is planted, its skill, and bands that hold in any market."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from domain.arrays import FloatArray
from domain.errors import InsufficientData
from domain.market import CandleSeries, Timeframe
from features.candle_reading.reading import read_candles
from models.evaluation.bootstrap import Resampling
from models.volatility.bands import REPLAYED, adaptive_bands
from models.volatility.fitting import fit_volatility
from models.volatility.skill import measure_volatility
from models.volatility.volatility_model import MAX_STEPS, VolatilityModel, shipped_volatility

DRAWS = Resampling(100, 96, 1)


def market(count: int, seed: int, *, swing: float = 1.0, freedom: float = 30.0, parts: int = 16) -> CandleSeries:
    """Return hours whose volatility swings over days, with fat tails for few degrees of freedom."""
    rng = np.random.default_rng(seed)
    level = np.empty(count)
    level[0] = 0.0
    for at in range(1, count):
        level[at] = 0.98 * level[at - 1] + rng.normal(0, 0.2)
    size = 0.01 * np.exp(swing * (level - level.std() ** 2)) / np.sqrt(parts * freedom / (freedom - 2))
    moves = rng.standard_t(freedom, (count, parts)) * size[:, None]
    paths = np.cumsum(moves.ravel()).reshape(count, parts)
    opens = np.concatenate([[0.0], paths[:-1, -1]])
    highs, lows = np.maximum(opens, paths.max(axis=1)), np.minimum(opens, paths.min(axis=1))
    values = np.column_stack([100 * np.exp(np.column_stack([opens, highs, lows, paths[:, -1]])), np.ones(count)])
    return CandleSeries.of_arrays(
        Timeframe.H1, 1_500_000_400_000 // 3_600_000 * 3_600_000 + np.arange(count) * 3_600_000, values
    )


def swinging(count: int, seed: int, follows: float) -> CandleSeries:
    """Return hours of which each takes up a share of the move of the hour before."""
    series = market(count, seed, swing=0.5)
    logs = np.log(series.values[:, :4])
    moves = np.diff(logs[:, 3], prepend=0.0)
    for at in range(1, count):
        moves[at] += follows * moves[at - 1]
    closes = np.cumsum(moves)
    shifted = logs + (closes - logs[:, 3])[:, None]
    shifted[1:, 0] = closes[:-1]
    shifted[:, 1], shifted[:, 2] = shifted.max(axis=1), shifted.min(axis=1)
    values = np.column_stack([100 * np.exp(shifted - shifted[0, 0]), series.values[:, 4]])
    return CandleSeries.of_arrays(series.timeframe, series.times_ms, values)


def held_share(model: VolatilityModel, series: CandleSeries, scales: FloatArray) -> float:
    """Return the share of bands of 24 candles that held, as requests of every 500 candles tell."""
    ends = range(999, len(series), 500)
    asked = [adaptive_bands(model, series.values[end - 999 : end], 0.9, scales) for end in ends]
    return float(sum(bands.held[23] for bands in asked) / sum(bands.settled[23] for bands in asked))


@pytest.fixture(scope="module")
def fitted() -> VolatilityModel:
    return fit_volatility({"AUSDT": market(6_000, 1), "BUSDT": market(6_000, 2)})


def test_planted_volatility_is_forecast_better_than_by_the_last_20_candles(fitted: VolatilityModel) -> None:
    skills = {step: measure_volatility(fitted, {"CUSDT": market(6_000, 3)}, step, 0, DRAWS) for step in (1, 12)}
    for skill in skills.values():
        assert skill is not None
        assert skill.low is not None
        assert 0.0 < skill.low < skill.skill < 0.5
        assert skill.predictions > 5_000


def test_skill_counts_no_candle_that_the_coefficients_know(fitted: VolatilityModel) -> None:
    assert measure_volatility(fitted, {"AUSDT": market(6_000, 1)}, 1, 0, DRAWS) is None
    assert measure_volatility(fitted, {"CUSDT": market(6_000, 1)}, MAX_STEPS + 1, 0, DRAWS) is None


def test_a_forecast_is_that_of_the_newest_row_and_grows_beyond_its_last_step() -> None:
    series, model = market(700, 4), shipped_volatility()
    rows = model.deviations(series.values)
    for horizon in (1, 4, 30):
        assert model.forecasts([series], horizon)[0].deviation == pytest.approx(rows[-1, horizon - 1])
    assert model.forecasts([series], 120)[0].deviation == pytest.approx(2 * rows[-1, 29])
    assert model.forecasts([], 1) == []
    others = [market(700, 5), market(300, 6), market(3, 1), series]
    assert model.forecasts(others, 4) == [model.forecasts([other], 4)[0] for other in others]
    (told,) = model.forecasts([series], 4)
    returns = np.diff(np.log(series.closes[-21:]))
    assert told.last_20_candles == pytest.approx(2 * returns.std())
    assert told.skill is None


def test_a_forecast_reads_no_later_candle_and_has_no_unit() -> None:
    series, model = market(700, 5), shipped_volatility()
    whole = model.deviations(series.values)
    np.testing.assert_allclose(model.deviations(series.values[:600]), whole[:600])
    np.testing.assert_allclose(model.deviations(series.values * [[1e-6] * 4 + [1.0]]), whole, rtol=1e-6)


@pytest.mark.parametrize("depth", [0.5, 0.1, 0.001])
def test_a_crash_of_one_trade_hardly_changes_the_forecasts_after_it(depth: float) -> None:
    series = market(1_000, 3, swing=0.3)
    crashed = series.values.copy()
    crashed[800, 2] *= depth
    usual, after = (shipped_volatility().deviations(values) for values in (series.values, crashed))
    # The next hours may be wilder; from a day later on the difference is a fifth at most.
    np.testing.assert_allclose(after[824:], usual[824:], rtol=0.2)


def test_a_move_that_lasts_counts_in_full() -> None:
    values = market(1_000, 3, swing=0.3).values.copy()
    values[900:, :4] *= 0.5
    values[900, :2] *= 2
    before, after = shipped_volatility().deviations(values)[[899, 900], 0]
    assert after > 4 * before


def test_few_candles_are_refused_by_the_fit_and_suffice_for_a_forecast() -> None:
    with pytest.raises(InsufficientData, match="needs 5,000 candles"):
        fit_volatility({"AUSDT": market(2_000, 1)})
    assert 0 < shipped_volatility().forecasts([market(3, 1)], 1)[0].deviation < 1


@pytest.mark.parametrize(("freedom", "parts"), [(3.0, 16), (30.0, 2)])
def test_bands_hold_in_markets_with_fat_tails_and_in_those_of_few_trades(freedom: float, parts: int) -> None:
    series = market(8_000, 6, swing=0.5, freedom=freedom, parts=parts)
    asked = [
        adaptive_bands(shipped_volatility(), series.values[end - 999 : end], 0.9) for end in range(999, 8_000, 500)
    ]
    settled, held = (sum(getattr(bands, name) for bands in asked) for name in ("settled", "held"))
    shares = held / settled
    assert settled[0] == len(asked) * REPLAYED
    assert 0.88 < shares[0] < 0.92
    assert 0.87 < shares.min() < shares.max() < 0.96


def test_what_bands_tell_of_their_past_is_what_a_person_counts() -> None:
    series, model = market(450, 7), shipped_volatility()
    whole, before = adaptive_bands(model, series.values, 0.9), adaptive_bands(model, series.values[:430], 0.9)
    assert whole.settled.tolist() == [450 - 20 - step for step in range(1, MAX_STEPS + 1)]
    counted = 0
    for now in range(429, 449):
        then = adaptive_bands(model, series.values[: now + 1], 0.9)
        counted += bool(then.lower[0] <= np.log(series.closes[now + 1] / series.closes[now]) <= then.upper[0])
    assert whole.held[0] - before.held[0] == counted


@pytest.mark.realdata
def test_real_intervals_hold_ninety_in_a_hundred(real_data: Path) -> None:
    """On candles after those that the quantiles were fitted on, each hour once."""
    for symbol in ("BTCUSDT", "ETHUSDT"):
        series = read_candles(real_data / f"{symbol}-1h.csv.gz", 1_800_000_000_000).series
        first = int(np.searchsorted(series.times_ms, shipped_volatility().fitted_until_ms))
        scales = shipped_volatility().scales(symbol, series.timeframe)
        asked = [
            adaptive_bands(shipped_volatility(), series.values[end - 999 : end], 0.9, scales)
            for end in range(first + 500, len(series), 500)
        ]
        held, settled = (np.sum([getattr(bands, name) for bands in asked]) for name in ("held", "settled"))
        assert 0.89 < held / settled < 0.91


def test_bands_of_a_market_are_as_wide_as_its_own_moves() -> None:
    """The hours of one coin follow each other, those of the other turn back: a day of the first moves further."""
    markets = {"AUSDT": swinging(8_000, 8, 0.15), "BUSDT": swinging(8_000, 9, -0.15)}
    model = fit_volatility(markets)
    follows, turns = (model.scales(symbol, Timeframe.H1) for symbol in markets)
    assert follows[0] == pytest.approx(turns[0], abs=0.05)
    assert follows[23] > 1.05 > 0.95 > turns[23]
    for symbol, series in (("AUSDT", swinging(8_000, 10, 0.15)), ("BUSDT", swinging(8_000, 11, -0.15))):
        own, other = (held_share(model, series, model.scales(name, Timeframe.H1)) for name in (symbol, "CUSDT"))
        assert abs(own - 0.9) < 0.015 < abs(other - 0.9)


def test_a_scale_is_that_of_the_coin_in_any_dollar_over_the_same_time() -> None:
    model = shipped_volatility()
    scales = model.scales("BTCUSDT", Timeframe.H1)
    assert scales[23] > 1.03
    for same in ("BTC-USD", "BTCUSDC", "BTCUSDT.P"):
        assert model.scales(same, Timeframe.H1).tolist() == scales.tolist()
    assert model.scales("BTCUSDT", Timeframe.M15)[[3, 23]].tolist() == scales[[0, 5]].tolist()
    assert set(model.scales("BTCUSDT", Timeframe.D1)[1:].tolist()) == {scales[29]}
    for unknown in ("ETHBTC", "AAPL", "PEPEUSDT", ""):
        assert set(model.scales(unknown, Timeframe.H1).tolist()) == {1.0}
