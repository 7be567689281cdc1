"""The price path of an invented market, block by block, each from its own seed.

A block is a week. Its ends are anchors that depend on the seed, the symbol and the week
alone, so that any week can be drawn without those before it. Between them lies a 15m
path with trends and stretches of high volatility, and under each 15m candle lie minutes that
add up to it exactly.
"""

from __future__ import annotations

import math
from hashlib import blake2b

import numpy as np

from domain.arrays import FloatArray
from domain.hours.clocks import MINUTE_MS, WEEK_MS
from domain.market import Timeframe
from services.market_data.sources.simulation import candles_from_returns, simulate_returns

BASE = Timeframe.M15
BLOCK_MS = WEEK_MS
_BASE_PER_BLOCK = BLOCK_MS // BASE.ms
_MINUTES_PER_BASE = BASE.ms // MINUTE_MS

# Per 15m candle: about 55 % a year, calm for a coin.
_VOLATILITY = 0.003
# Scales of the anchors' path, in blocks: 1, 2, 4, … 32 weeks.
_OCTAVES = 6

# Rough prices of 2025 in US dollars, so that a demonstration looks familiar.
_START_PRICES = {
    "BTC": 95_000.0,
    "ETH": 3_200.0,
    "BNB": 650.0,
    "SOL": 170.0,
    "ADA": 0.75,
    "DOT": 5.5,
    "XRP": 2.2,
    "LINK": 16.0,
    "DOGE": 0.2,
    "AVAX": 25.0,
    "LTC": 95.0,
}
_DOLLARS = ("USDT", "USDC", "FDUSD", "BUSD", "USD")

Rows = FloatArray


def base_block(seed: int, symbol: str, block: int) -> Rows:
    """Return the 15m candles of a week.

    Args:
        seed: Seed of all markets.
        symbol: Market, such as BTCUSDT.
        block: Number of the week since the epoch.

    Returns:
        Array of shape (672, 5): open, high, low, close in quote currency, volume in base currency.
    """
    rng = np.random.default_rng(_number(seed, symbol, "base", block))
    returns = simulate_returns(rng, _BASE_PER_BLOCK, _VOLATILITY, None)
    start, end = _anchor(seed, symbol, block), _anchor(seed, symbol, block + 1)
    # Bridge to the next anchor: less than a tenth of a candle's volatility each.
    returns += (end - start - returns.sum()) / _BASE_PER_BLOCK
    candles = candles_from_returns(rng, returns, math.exp(start), block * BLOCK_MS, BASE)
    return np.array(candles, dtype=np.float64)[:, 1:]


def minute_block(seed: int, symbol: str, block: int, base: Rows) -> Rows:
    """Return the minutes under the 15m candles of a week.

    Each 15 of them open, close and have their extremes exactly where their 15m candle has;
    their volumes add up to its volume but for rounding.

    Args:
        seed: Seed of all markets.
        symbol: Market, such as BTCUSDT.
        block: Number of the week since the epoch.
        base: What `base_block` returned for this week.

    Returns:
        Array of shape (10080, 5), columns as in `base`.
    """
    rng = np.random.default_rng(_number(seed, symbol, "minutes", block))
    shape = (len(base), _MINUTES_PER_BASE)
    opens, highs, lows, closes, volumes = (base[:, [column]] for column in range(5))
    total, top, bottom = np.log(closes / opens), np.log(highs / opens), np.log(lows / opens)
    # The range of a Brownian path of one unit is 1.6 units (Parkinson 1980).
    spread = (top - bottom) / 1.6 / math.sqrt(_MINUTES_PER_BASE)
    path = np.cumsum(spread * rng.standard_normal(shape), axis=1)
    path += (total - path[:, -1:]) * np.arange(1, _MINUTES_PER_BASE + 1) / _MINUTES_PER_BASE
    starts = np.concatenate((np.zeros_like(total), path[:, :-1]), axis=1)
    wicks = np.abs(spread * rng.standard_normal((2, *shape))) / 2
    upper, lower = np.maximum(starts, path) + wicks[0], np.minimum(starts, path) - wicks[1]
    ceiling, floor = np.maximum(total, 0), np.minimum(total, 0)
    above = _ratio(top - ceiling, upper.max(axis=1, keepdims=True) - ceiling)
    below = _ratio(floor - bottom, floor - lower.min(axis=1, keepdims=True))

    def prices(logs: Rows) -> Rows:
        """Fit what lies beyond open and close to the 15m candle's wicks, and make prices of it."""
        inside = np.clip(logs, floor, ceiling)
        fitted = inside + np.maximum(logs - ceiling, 0) * above - np.maximum(floor - logs, 0) * below
        return np.clip(opens * np.exp(fitted), lows, highs)

    minute_closes = prices(path)
    minute_closes[:, -1:] = closes
    minute_opens = np.concatenate((opens, minute_closes[:, :-1]), axis=1)
    # Rounding must keep an open within its minute and an extreme equal to that of the 15m candle.
    minute_highs = np.maximum(prices(upper), np.maximum(minute_opens, minute_closes))
    minute_lows = np.minimum(prices(lower), np.minimum(minute_opens, minute_closes))
    np.put_along_axis(minute_highs, upper.argmax(axis=1, keepdims=True), highs, axis=1)
    np.put_along_axis(minute_lows, lower.argmin(axis=1, keepdims=True), lows, axis=1)
    weights = np.exp(0.5 * rng.standard_normal(shape))
    minute_volumes = volumes * weights / weights.sum(axis=1, keepdims=True)
    columns = (minute_opens, minute_highs, minute_lows, minute_closes, minute_volumes)
    return np.stack([column.ravel() for column in columns], axis=1)


def _ratio(wanted: Rows, drawn: Rows) -> Rows:
    """Return wanted / drawn, 0 where nothing was drawn."""
    result: Rows = np.divide(wanted, drawn, out=np.zeros_like(wanted), where=drawn > 0)
    return result


def _anchor(seed: int, symbol: str, block: int) -> float:
    """Return the log-price at the start of a block.

    Value noise on several scales: it wanders like a random walk for months, yet stays near
    the start price at any time.
    """
    # Each octave adds half as much variance to a weekly step as the one before it, 4 in all.
    amplitude = _VOLATILITY * math.sqrt(_BASE_PER_BLOCK) / 2
    level = math.log(_start_price(symbol))
    for octave in range(_OCTAVES):
        length = 2**octave
        index, rest = divmod(block, length)
        left, right = (_noise(seed, symbol, octave, index + side) for side in (0, 1))
        level += amplitude * math.sqrt(length) * (left + (right - left) * rest / length)
    return level


def _start_price(symbol: str) -> float:
    """Return a familiar price for known coins in dollars, and 0.1 to 1000 from the name for others."""
    for dollar in _DOLLARS:
        coin = symbol.removesuffix(dollar)
        if coin != symbol and coin in _START_PRICES:
            return _START_PRICES[coin]
    return float(10 ** (4 * _share("price", symbol) - 1))


def _noise(seed: int, symbol: str, octave: int, index: int) -> float:
    """Return a number of mean 0 and variance 1, uniform, fixed by its arguments."""
    return math.sqrt(3) * (2 * _share(seed, symbol, octave, index) - 1)


def _share(*parts: object) -> float:
    return _number(*parts) / 2**64


def _number(*parts: object) -> int:
    """Return 64 bits fixed by the parts, on every machine and in every process."""
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest(), "big")
