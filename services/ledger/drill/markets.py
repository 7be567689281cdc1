"""Simulated candles: a random walk without any edge, or with trends that persist; a store that gives them; a clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np

from domain.arrays import FloatArray
from domain.market import Candle, CandleSeries, Timeframe
from domain.values import epoch_ms
from services.ledger.drill.parameters import SimulatedWalk
from storage.ports import CandleKey, CandleReads

# Standard deviation of an hour's return, about 56 % a year; that of other candles grows with the root of their length.
_HOUR_DEVIATION = 0.006
# A planted trend lasts for as many candles in the mean.
TREND_CANDLES = 96
_FIRST_PRICE = 100.0
_MEAN_VOLUME = 1_000.0
_VOLUME_SPREAD = 0.5


class DrillClock:
    """A clock that stands still until the drill sets it.

    Attributes:
        moment: The aware UTC time that it tells.
    """

    def __init__(self, moment: datetime) -> None:
        """Begin at a moment."""
        self.moment = moment

    def now(self) -> datetime:
        """Return the simulated time."""
        return self.moment


def simulate(
    symbols: tuple[str, ...], timeframe: Timeframe, first_ms: int, count: int, walk: SimulatedWalk
) -> dict[str, CandleSeries]:
    """Return `count` candles of each symbol from an open time on, the same for the same seed.

    Prices are geometric Brownian motion, so that without an edge nothing tells a rise from a fall, and no stop or
    target earns anything before costs. High and low are drawn from the exact distribution of the extremes of a Brownian
    bridge from open to close (Glasserman, Monte Carlo Methods in Financial Engineering, 2003, section 6.4).
    """
    random = np.random.default_rng(walk.seed)
    shape = (len(symbols), count)
    deviation = _HOUR_DEVIATION * float(np.sqrt(timeframe.ms / Timeframe.H1.ms))
    common, own = random.standard_normal((1, count)), random.standard_normal(shape)
    noise = np.sqrt(walk.correlation) * common + np.sqrt(1 - walk.correlation) * own
    turned = random.random(shape) < 1 / TREND_CANDLES
    trends = np.where((np.cumsum(turned, axis=1) + random.integers(2, size=(len(symbols), 1))) % 2, 1.0, -1.0)
    # A Brownian motion without drift has a mean price that rises; half the variance less makes it a fair game.
    steps = deviation * (noise + walk.edge * trends) - deviation**2 / 2
    ends = np.cumsum(steps, axis=1)
    starts = ends - steps
    span = -2 * deviation**2
    reach_up, reach_down = (
        np.sqrt(steps**2 + span * np.log(random.uniform(np.finfo(float).tiny, 1, shape))) for _ in range(2)
    )
    volumes = _MEAN_VOLUME * np.exp(_VOLUME_SPREAD * random.standard_normal(shape))
    logs = np.stack([starts, (starts + ends + reach_up) / 2, (starts + ends - reach_down) / 2, ends], axis=2)
    values: FloatArray = np.concatenate([_FIRST_PRICE * np.exp(logs), volumes[:, :, None]], axis=2)
    # Rounding must not leave a high a step below the open.
    values[:, :, 1] = np.maximum(values[:, :, 1], np.maximum(values[:, :, 0], values[:, :, 3]))
    values[:, :, 2] = np.minimum(values[:, :, 2], np.minimum(values[:, :, 0], values[:, :, 3]))
    times_ms = first_ms + timeframe.ms * np.arange(count, dtype=np.int64)
    return {
        symbol: CandleSeries.of_arrays(timeframe, times_ms, rows) for symbol, rows in zip(symbols, values, strict=True)
    }


class DrillCandles(CandleReads):
    """A `CandleStore` with the simulated candles that have closed by the drill's clock."""

    def __init__(self, markets: Mapping[str, CandleSeries], clock: DrillClock) -> None:
        """Keep the candles by symbol, all of one timeframe, and the clock."""
        self._markets = dict(markets)
        self._clock = clock

    async def latest_candles_of(self, limits: Mapping[CandleKey, int]) -> dict[CandleKey, list[Candle]]:
        """Return at most as many newest candles of each symbol and timeframe as its limit says."""
        return {key: self._newest(*key, limit) for key, limit in limits.items()}

    async def candle_symbols(self) -> list[str]:
        """Return every symbol."""
        return list(self._markets)

    async def remove_candles(self, symbol: str, timeframe: Timeframe | None) -> int:
        """Remove the candles of a symbol, and return how many there were."""
        series = self._markets.get(symbol)
        if series is None or timeframe not in (None, series.timeframe):
            return 0
        del self._markets[symbol]
        return len(series)

    def _newest(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Candle]:
        series = self._markets.get(symbol)
        if series is None or series.timeframe != timeframe:
            return []
        closed = series.closed_by(epoch_ms(self._clock.now())).tail(limit)
        rows = zip(closed.times_ms.tolist(), closed.values.tolist(), strict=True)
        return [Candle(time_ms, *values) for time_ms, values in rows]
