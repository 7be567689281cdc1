"""The candles of a training: those of a real source that has more of them than were posted, else the posted ones."""

from __future__ import annotations

from config.settings import Settings
from domain.errors import InsufficientData
from domain.forecasting import ModelType
from domain.market import Timeframe
from models.training.learner import needed_candles
from services.job_candles.finding import JobCandles
from services.job_candles.histories import CandleCounts, find_history
from services.market_data.history.answers import MarketHistory
from services.market_data.market_data import MarketData
from services.training.repeating import RepeatedTraining


class TrainingHistories:
    """Finds who has candles enough for a training."""

    def __init__(self, candles: JobCandles, market_data: MarketData, most: int) -> None:
        """Keep the parts.

        Args:
            candles: Has those that trusted clients posted.
            market_data: Knows who has more.
            most: Candles of a market at most.
        """
        self._candles = candles
        self._market_data = market_data
        self._most = most

    async def find(
        self, symbol: str, kind: ModelType, timeframe: Timeframe, settings: Settings | RepeatedTraining, brought: int
    ) -> MarketHistory:
        """Return the candles of a real source that has more of them than were posted, else the posted ones.

        Models learn more from eight years than from two (docs/learning.md).

        Args:
            symbol: Market.
            kind: Of the model.
            timeframe: Of the candles.
            settings: Of models and features.
            brought: Posted candles that the parameters can bring at most.

        Raises:
            UnknownSymbol, InsufficientData, MarketDataUnavailable: nobody has candles enough, with the numbers.
        """
        needed = needed_candles(kind, settings.models, settings.features)

        def refused(count: int, note: str, reason: str) -> InsufficientData:
            return too_few(needed, count, f" of {symbol} {timeframe} (stored: {note}; {reason}); send candles")

        counts = CandleCounts(needed, enough=self._most, most=self._most, posted=brought)
        return await find_history(self._candles, self._market_data, (symbol, timeframe), counts, refused)


def count_new(history: MarketHistory, newer_than_ms: int | None) -> int:
    """Return how many candles have closed since the training before; of a source with pages the newest page tells."""
    return int((history.series.times_ms > (newer_than_ms or 0)).sum())


def require_new(symbol: str, history: MarketHistory, newer_than_ms: int | None, least_new: int) -> None:
    """Refuse a training on what was trained on before."""
    if newer_than_ms is not None and (new := count_new(history, newer_than_ms)) < least_new:
        raise InsufficientData(
            f"{new} candles of {symbol} {history.series.timeframe} have closed since the training before, "
            f"{least_new} are needed"
        )


def too_few(needed: int, count: int, found: str = "") -> InsufficientData:
    """Return the error of a training with too few candles; `found` says where else was looked."""
    return InsufficientData(f"training needs {needed} closed candles at least, there are {count}{found}")
