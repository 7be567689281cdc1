"""A side that was given: what the guards know of the last Long or Short of a symbol and timeframe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from domain.analysis import TradeSignal
from domain.arrays import FloatArray, IntArray
from domain.market import CandleSeries, Timeframe
from domain.values import Signal, epoch_ms
from services.guards.correlation import newest_returns

# Decimals of a stored return: a millionth of a percent.
_DECIMALS = 8


@dataclass(frozen=True, eq=False)
class GivenSide:
    """The side of an answer.

    Attributes:
        signal: Long or Short in what is remembered; Neutral in an answer that ends it.
        at: When the answer was made.
        size: Its recommended share of the capital.
        times: Shape (n,), open times of the newest candles in epoch ms.
        returns: Shape (n,), their logarithmic returns.
        stands: Whether no later answer for the symbol and timeframe was Neutral.
    """

    symbol: str
    timeframe: Timeframe
    signal: Signal
    at: datetime
    size: float
    times: IntArray
    returns: FloatArray
    stands: bool = True

    @classmethod
    def of(cls, answer: TradeSignal, series: CandleSeries) -> GivenSide:
        """Return the side of an answer on these candles of its timeframe."""
        size = answer.risk_assessment.recommended_position_size
        times, returns = newest_returns(series)
        return cls(answer.symbol, answer.timeframe, answer.signal, answer.generated_at, size, times, returns)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> GivenSide:
        """Return the side that `document` made.

        Raises:
            KeyError, ValueError: another release wrote it.
        """
        return cls(
            symbol=document["symbol"],
            timeframe=Timeframe(document["timeframe"]),
            signal=Signal(document["signal"]),
            at=document["created_at"],
            size=float(document["size"]),
            times=np.array(document["times"], dtype=np.int64),
            returns=np.array(document["returns"], dtype=np.float64),
            stands=bool(document["stands"]),
        )

    @property
    def document(self) -> dict[str, Any]:
        """The side as it is stored."""
        return {
            "created_at": self.at,
            "symbol": self.symbol,
            "timeframe": self.timeframe.value,
            "signal": self.signal.value,
            "size": self.size,
            "times": self.times.tolist(),
            "returns": self.returns.round(_DECIMALS).tolist(),
            "stands": self.stands,
        }

    @property
    def side(self) -> int:
        """1 of Long, -1 of Short, 0 of Neutral."""
        return self.signal.side

    def recent_at(self, now: datetime, candles: int) -> bool:
        """Return whether it was given by now, and less than this number of candle lengths ago."""
        return self.at <= now < self.at + timedelta(milliseconds=candles * self.timeframe.ms)

    def candles_since(self, series: CandleSeries) -> int:
        """Return the number of candles of its timeframe that have closed since it was given."""
        return int(np.count_nonzero(series.times_ms + series.timeframe.ms > epoch_ms(self.at)))
