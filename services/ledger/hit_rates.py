"""Hit rates: how often a signal had the side of the price move that followed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from domain.market import Timeframe
from domain.values import Signal, epoch_ms
from storage.ports import ArchivedSignal

HORIZON_HOURS = (1, 4, 24)
# With fewer signals a share says nothing.
MIN_SIGNALS = 30
CONFIDENCE = 0.95
# The price at the horizon may be older than it by this share of the horizon.
_TOLERANCE = 0.25


@dataclass(frozen=True)
class HitRate:
    """Hit rate of Long and Short signals at one horizon; None where they are too few.

    Attributes:
        signals: Signals of one symbol do not overlap, so that no move is counted twice.
        hits: Long before a rise, Short before a fall; an unchanged price is no hit.
        low: Lower end of the 95 % interval of the share.
        high: Upper end.
        baseline: Hit rate of always Long or always Short at the same moments, whichever is better.
        mean_return: Mean return per signal as a fraction, before costs.
    """

    horizon_hours: int
    signals: int
    hits: int | None = None
    hit_rate: float | None = None
    low: float | None = None
    high: float | None = None
    baseline: float | None = None
    mean_return: float | None = None


class Prices:
    """The known prices of a market, by epoch ms."""

    def __init__(self, known: Iterable[tuple[int, float]]) -> None:
        by_time = sorted(known)
        self._times = [time_ms for time_ms, _ in by_time]
        self._prices = [price for _, price in by_time]

    def at(self, time_ms: int, not_before_ms: int) -> float | None:
        """Return the newest price up to a time, or None where it was seen before `not_before_ms`."""
        position = bisect_right(self._times, time_ms) - 1
        return self._prices[position] if position >= 0 and self._times[position] >= not_before_ms else None


def hit_rates(signals: Sequence[ArchivedSignal], prices: Mapping[str, Prices], now_ms: int) -> list[HitRate]:
    """Return the hit rate at each horizon.

    Args:
        signals: Neutral ones have no direction and are not counted.
        prices: By symbol.
        now_ms: Epoch ms; signals that end later are not counted yet.
    """
    directional = sorted((signal for signal in signals if signal.signal is not Signal.NEUTRAL), key=_time)
    return [_hit_rate(hours, list(_moves(directional, prices, hours, now_ms))) for hours in HORIZON_HOURS]


def _moves(
    oldest_first: Sequence[ArchivedSignal], prices: Mapping[str, Prices], hours: int, now_ms: int
) -> Iterable[tuple[Signal, float]]:
    """Yield side and market return of signals that have ended; signals of one symbol do not overlap."""
    horizon_ms = hours * Timeframe.H1.ms
    free_from: dict[str, int] = {}
    for signal in oldest_first:
        start_ms = epoch_ms(signal.generated_at)
        end_ms = start_ms + horizon_ms
        if end_ms > now_ms or start_ms < free_from.get(signal.symbol, 0):
            continue
        later = prices[signal.symbol].at(end_ms, round(end_ms - _TOLERANCE * horizon_ms))
        if later is not None:
            free_from[signal.symbol] = end_ms
            yield signal.signal, later / signal.price - 1


def _hit_rate(hours: int, moves: Sequence[tuple[Signal, float]]) -> HitRate:
    count = len(moves)
    if count < MIN_SIGNALS:
        return HitRate(hours, count)
    won = [change if signal is Signal.LONG else -change for signal, change in moves]
    hits = sum(change > 0 for change in won)
    rises, falls = sum(change > 0 for _, change in moves), sum(change < 0 for _, change in moves)
    low, high = share_interval(hits, count)
    return HitRate(hours, count, hits, hits / count, low, high, max(rises, falls) / count, sum(won) / count)


def share_interval(hits: int, count: int) -> tuple[float, float]:
    """Return both ends of the 95 % interval of a share, of `count` >= 1 independent trials.

    Source: Wilson, Probable Inference, the Law of Succession, and Statistical Inference (1927).
    """
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    share, weight = hits / count, z * z / count
    center = (share + weight / 2) / (1 + weight)
    reach = z * sqrt(share * (1 - share) / count + weight / (4 * count)) / (1 + weight)
    # Exact at the borders, where the rounding of the root would be greater than the difference.
    return center - reach if hits else 0.0, center + reach if hits < count else 1.0


def _time(signal: ArchivedSignal) -> int:
    return epoch_ms(signal.generated_at)
