"""What is said of simulated candles: by the real rules, and by a simulated model that follows prices."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from operator import itemgetter

import numpy as np

from backtesting.past.judging import judge_past
from backtesting.past.market import PastMarket
from config.model_settings import ServingSettings
from config.settings import AnalysisSettings
from domain.analysis import DataSource, TradeSignal
from domain.forecasting import Forecast, ModelType
from domain.market import CandleSeries
from features.indicators.technical_indicators import TechnicalIndicators
from models.serving.forecasts import signal_of
from rules.evidence.weighing import Weigher
from rules.judgement import Judgement
from rules.technical import TechnicalAnalyst

# Candles whose return the simulated model follows.
FOLLOWED_CANDLES = 24
# Logit of a rise for a return of one standard deviation: beyond 1.3 of them it says 0.6.
_LOGIT = 0.31
_VERSION = "drill_model_20210101_000000"


@dataclass(frozen=True)
class DrillAnswer:
    """One answer at a moment, and the judgement that it rests on."""

    moment_ms: int
    signal: TradeSignal
    judgement: Judgement


class DrillLanes:
    """The lanes of a drill: the real rules, a simulated model, and both blended."""

    def __init__(
        self,
        analysis: AnalysisSettings,
        serving: ServingSettings,
        indicators: TechnicalIndicators,
        weigher: Weigher,
    ) -> None:
        """Keep what judges; `analysis` has to blend rules and model for three lanes."""
        self._analysis = analysis
        self._serving = serving
        self._indicators = indicators
        self._weigher = weigher
        numbers = count(1)
        self._analyst = TechnicalAnalyst(lambda: f"{next(numbers):032x}")

    def answers(self, markets: dict[str, CandleSeries], since_ms: int, until_ms: int) -> Iterator[DrillAnswer]:
        """Yield the answers of all markets at each close of a candle from a time until another, the oldest first.

        They are those of `backtesting.past`, as if they had been asked for at these moments: no replays, and of candles
        with a source that counts. Only a ledger of the drill's own may take them.
        """
        streams = [self._of_market(symbol, series, since_ms, until_ms) for symbol, series in markets.items()]
        for moment_ms, judgement in heapq.merge(*streams, key=itemgetter(0)):
            signal = self._analyst.signal(judgement)
            signal = signal.model_copy(update={"as_of": None, "source_data": DataSource.FILES})
            yield DrillAnswer(moment_ms, signal, judgement)

    def _of_market(
        self, symbol: str, series: CandleSeries, since_ms: int, until_ms: int
    ) -> Iterator[tuple[int, Judgement]]:
        judged = judge_past(
            PastMarket(symbol, {series.timeframe: series}),
            self._analysis,
            self._indicators,
            since_ms=since_ms,
            until_ms=until_ms,
            forecasts=self._forecasts(symbol, series),
            weigher=self._weigher,
        )
        return ((past.moment_ms, past.judgement) for past in judged)

    def _forecasts(self, symbol: str, series: CandleSeries) -> dict[int, Forecast]:
        """Return the forecast of each close: that the next candle goes on as the last ones went."""
        logs = np.log(series.closes)
        steps = np.lib.stride_tricks.sliding_window_view(np.diff(logs), FOLLOWED_CANDLES)
        strength = steps.sum(axis=1) / (steps.std(axis=1) * np.sqrt(FOLLOWED_CANDLES))
        probabilities = (1 / (1 + np.exp(-_LOGIT * strength))).tolist()
        moments_ms = series.closes_ms[FOLLOWED_CANDLES:].tolist()
        return {
            moment_ms: Forecast(
                symbol=symbol,
                timeframe=series.timeframe,
                probability_up=probability,
                signal=signal_of(probability, self._serving),
                confidence=abs(2 * probability - 1),
                individual_predictions={ModelType.LOGISTIC.value: probability},
                disagreement=0.0,
                horizon_candles=1,
                model_type=ModelType.LOGISTIC,
                model_version=_VERSION,
                expected_returns={},
                expected_drawdowns={},
                expected_rallies={},
            )
            for moment_ms, probability in zip(moments_ms, probabilities, strict=True)
        }
