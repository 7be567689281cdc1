"""The forecast of volatility that comes with the service: fitted on files of candles, measured on later ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from config.model_settings import ModelSettings
from domain.arrays import FloatArray
from domain.errors import InvalidRequest
from domain.forecasting import VolatilitySkill
from domain.market import CandleSeries
from models.evaluation.bootstrap import Resampling
from models.volatility.bands import REPLAYED, adaptive_bands
from models.volatility.fitting import fit_volatility
from models.volatility.skill import measure_volatility
from models.volatility.volatility_model import VolatilityModel
from services.outlooks import LEAST_CANDLES

# Steps whose skill is shown, and the coverage of the bands that are judged.
STEPS = (1, 4, 12, 24)
COVERAGE = 0.9


@dataclass(frozen=True)
class StepSkill:
    """Skill of the forecast for a number of candles ahead, over all markets."""

    step: int
    skill: VolatilitySkill


@dataclass(frozen=True)
class MarketBands:
    """How the bands of a market held: `held` has the share of each step, shape (30,), of `count` forecasts."""

    market: str
    count: int
    held: FloatArray


@dataclass(frozen=True)
class DefaultVolatility:
    """The model, and its figures on candles after those that it was fitted on."""

    model: VolatilityModel
    skills: tuple[StepSkill, ...]
    bands: tuple[MarketBands, ...]


def build_default_volatility(
    markets: Mapping[str, CandleSeries],
    until_ms: int,
    settings: ModelSettings,
    stage: Callable[[str], None],
) -> DefaultVolatility:
    """Fit on the candles that close up to a moment, and measure on the later ones.

    Args:
        markets: Closed candles of one timeframe by symbol.
        until_ms: The moment, epoch ms.
        settings: How intervals are drawn.
        stage: Is told what is being done.

    Raises:
        InsufficientData: too few candles to fit on.
        InvalidRequest: no candle is later.
    """
    known = {symbol: series.closed_by(until_ms) for symbol, series in markets.items()}
    model = fit_volatility({symbol: series for symbol, series in known.items() if len(series)})
    skills = []
    for step in STEPS:
        drawn = Resampling.of(settings.evaluation, step, settings.training.seed)
        rows = Resampling(drawn.samples, drawn.block * len(markets), drawn.seed)
        skill = measure_volatility(model, markets, step, until_ms, rows)
        if skill is None:
            raise InvalidRequest("no candle is later than those to fit on: there is nothing to measure on")
        skills.append(StepSkill(step, skill))
    bands = []
    for symbol, series in markets.items():
        stage(f"judging bands of {symbol}")
        if (judged := _bands(model, symbol, series, until_ms)) is not None:
            bands.append(judged)
    return DefaultVolatility(model, tuple(skills), tuple(bands))


def _bands(model: VolatilityModel, symbol: str, series: CandleSeries, until_ms: int) -> MarketBands | None:
    """Return how the bands of each later candle held, as requests of every 500 candles tell; None without any."""
    first = int(np.searchsorted(series.times_ms, until_ms)) + REPLAYED
    ends = range(max(first, LEAST_CANDLES), len(series) + 1, REPLAYED)
    scales = model.scales(symbol, series.timeframe)
    asked = [adaptive_bands(model, series.values[end - LEAST_CANDLES : end], COVERAGE, scales) for end in ends]
    if not asked:
        return None
    settled = np.sum([bands.settled for bands in asked], axis=0)
    return MarketBands(symbol, int(settled[0]), np.sum([bands.held for bands in asked], axis=0) / settled)
