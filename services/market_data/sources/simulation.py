"""A market made of random numbers, for demonstration data and for tests of the rules.

It has what real returns have and a plain random walk lacks: fat tails, and calm and
wild stretches that last. It says nothing about any real market.
"""

from __future__ import annotations

import math

import numpy as np

from domain.arrays import FloatArray
from domain.market import Candle, Timeframe

# Of the size found in daily and hourly crypto returns: shocks fade over some thirty candles, the
# tails of the innovations are those of a Student-t of five degrees, and the fourth moment stays finite.
SHOCK_WEIGHT = 0.07
PERSISTENCE = 0.90
DEGREES_OF_FREEDOM = 5.0

# Drift of each regime in per-candle volatilities, and how long a regime lasts on average.
REGIME_DRIFTS = (0.12, -0.12, 0.0)
REGIME_CANDLES = 150

# Memory of the intra-candle volatility that sizes the wicks (RiskMetrics uses 0.94 for daily returns).
WICK_MEMORY = 0.94
TURNOVER_PER_CANDLE = 1_000_000.0
VOLUME_NOISE = 0.35


def simulate_returns(rng: np.random.Generator, count: int, volatility: float, drift: float | None) -> FloatArray:
    """Return log-returns with fat tails and volatility clusters.

    Args:
        rng: Source of all randomness: the same state gives the same returns.
        count: Number of returns, >= 0.
        volatility: Long-run standard deviation of one return, as a share (0.004 is 0.4 %); 0 is a flat market.
        drift: Mean of one return in units of `volatility`; 0 is a pure random walk, and None switches
            at random among a rise, a fall and a sideways market.

    Returns:
        Array of `count` log-returns.

    Source: GARCH(1,1), Bollerslev (1986), with Student-t innovations, Bollerslev (1987).
    """
    # Divided by its standard deviation, so that `volatility` is that of the returns.
    innovations = rng.standard_t(DEGREES_OF_FREEDOM, count) / math.sqrt(DEGREES_OF_FREEDOM / (DEGREES_OF_FREEDOM - 2))
    shocks = np.empty(count)
    variance = 1.0
    for position, innovation in enumerate(innovations.tolist()):
        shock = math.sqrt(variance) * innovation
        shocks[position] = shock
        variance = (1 - SHOCK_WEIGHT - PERSISTENCE) + SHOCK_WEIGHT * shock * shock + PERSISTENCE * variance
    drifts = _regime_drifts(rng, count) if drift is None else drift
    returns: FloatArray = volatility * (shocks + drifts)
    return returns


def candles_from_returns(
    rng: np.random.Generator,
    returns: FloatArray,
    start_price: float,
    start_ms: int,
    timeframe: Timeframe,
) -> list[Candle]:
    """Return one candle per log-return; each opens where the one before closed.

    The wicks are those of a Brownian path between open and close. Volume grows with the
    absolute return, in base currency worth about a million of the quote currency a candle.

    Args:
        rng: Source of the wicks and of the noise in the volume.
        returns: Log-returns from open to close of each candle.
        start_price: Open of the first candle, > 0.
        start_ms: Open time of the first candle in epoch ms, a multiple of the timeframe.
        timeframe: Length of each candle.
    """
    count = len(returns)
    if count == 0:
        return []
    closes = start_price * np.exp(np.cumsum(returns))
    opens = np.concatenate(([start_price], closes[:-1]))
    spread = _running_volatility(returns)
    highs = np.maximum(np.maximum(opens, closes), opens * np.exp(_bridge_maximum(rng, returns, spread)))
    lows = np.minimum(np.minimum(opens, closes), opens * np.exp(-_bridge_maximum(rng, -returns, spread)))
    volumes = _volumes(rng, returns) / closes
    times = start_ms + timeframe.ms * np.arange(count, dtype=np.int64)
    columns = (times, opens, highs, lows, closes, volumes)
    return [Candle(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _regime_drifts(rng: np.random.Generator, count: int) -> FloatArray:
    """Return a drift per candle; regimes last a random, geometrically distributed time."""
    drifts = np.empty(count)
    position = 0
    while position < count:
        length = int(rng.geometric(1 / REGIME_CANDLES))
        drifts[position : position + length] = rng.choice(REGIME_DRIFTS)
        position += length
    return drifts


def _running_volatility(returns: FloatArray) -> FloatArray:
    """Return the exponentially weighted root mean square of the returns up to each candle."""
    volatility = np.empty(len(returns))
    variance = float(np.mean(returns**2))
    for position, value in enumerate(returns.tolist()):
        variance = WICK_MEMORY * variance + (1 - WICK_MEMORY) * value * value
        volatility[position] = math.sqrt(variance)
    return volatility


def _bridge_maximum(rng: np.random.Generator, returns: FloatArray, spread: FloatArray) -> FloatArray:
    """Draw the highest log-price of a Brownian bridge from 0 to each return.

    Source: reflection principle, P(max > m) = exp(-2 m (m - r) / s²), solved for m.
    """
    uniform = 1 - rng.random(len(returns))  # in (0, 1], so that the logarithm is finite
    highest: FloatArray = (returns + np.sqrt(returns**2 - 2 * spread**2 * np.log(uniform))) / 2
    return highest


def _volumes(rng: np.random.Generator, returns: FloatArray) -> FloatArray:
    """Return the turnover of each candle in quote currency: half fixed, half with the absolute return."""
    moves = np.abs(returns)
    typical = float(moves.mean())
    activity = moves / typical if typical > 0 else np.ones(len(returns))
    noise = np.exp(VOLUME_NOISE * rng.standard_normal(len(returns)))
    turnover: FloatArray = TURNOVER_PER_CANDLE * noise * (1 + activity) / 2
    return turnover
