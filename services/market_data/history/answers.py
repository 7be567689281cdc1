"""What one answer of a source tells about the candles that it has to train on."""

from __future__ import annotations

from typing import NamedTuple

from domain.analysis import DataSource
from domain.market import CandleSeries

# Most sources give as many in one answer, and older ones page by page.
ANSWER_CANDLES = 1_000
WITHOUT_HISTORY = frozenset({DataSource.STORED, DataSource.SYNTHETIC})
# Its address is a secret, which no job is told; it gives any number of candles in one answer.
_ALL_AT_ONCE = frozenset({DataSource.ENGINE_DB})
# Some exchanges give 100 candles in one answer, whatever they have.
_SHORT_ANSWERS = frozenset({DataSource.CCXT})


class MarketHistory(NamedTuple):
    """Closed candles and their source; `more` tells whether it may have older ones, to be read page by page."""

    source: DataSource
    series: CandleSeries
    more: bool = False

    @property
    def candle_ms(self) -> float:
        """Average time from candle to candle in epoch ms, with the pauses of the market; needs two candles."""
        times = self.series.times_ms
        return float(times[-1] - times[0]) / (len(times) - 1)


def asked_candles(source: DataSource, most: int) -> int:
    """Return the number of candles to ask a source for if `most` are of use."""
    return most + 1 if source in _ALL_AT_ONCE else ANSWER_CANDLES


def history_of(source: DataSource, answered: CandleSeries, now_ms: int, most: int) -> MarketHistory:
    """Return the closed candles of an answer, and whether older ones are of use and to be expected."""
    full = len(answered) >= ANSWER_CANDLES or source in _SHORT_ANSWERS
    closed = answered.closed_by(now_ms)
    more = full and source not in _ALL_AT_ONCE and 2 <= len(closed) < most
    return MarketHistory(source, closed, more)
