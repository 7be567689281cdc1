"""What a drill is asked for, and the settings that it runs by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from config.backtest_settings import TradingSettings
from config.ledger_settings import LedgerSettings
from config.llm_settings import LlmSettings
from config.model_settings import ModelSettings
from config.settings import AnalysisSettings, IndicatorSettings, MarketDataSettings, Settings
from domain.errors import InvalidRequest
from domain.market import Timeframe
from domain.values import Frozen

MAX_DAYS = 90
MAX_SYMBOLS = 50
MAX_EDGE = 2.0
TIMEFRAMES = (Timeframe.M5, Timeframe.M15, Timeframe.M30, Timeframe.H1, Timeframe.H4)
# More would take hours.
MAX_ANSWERS = 500_000


@dataclass(frozen=True)
class SimulatedWalk:
    """How simulated prices move.

    Attributes:
        edge: Drift of a planted trend in a candle, in standard deviations of a candle's return, 0..2; 0 has no trends.
        correlation: Of the returns of any two symbols at the same time, 0..1.
        seed: Of all random numbers, 0 or more.
    """

    edge: float
    correlation: float
    seed: int


@dataclass(frozen=True)
class DrillParameters:
    """A drill.

    Attributes:
        days: Simulated days on which answers are given, 1 to 90.
        symbols: Number of simulated markets, 1 to 50.
        timeframe: Of their candles; there is an answer at each close.
        walk: How prices move.
    """

    days: int
    symbols: int
    timeframe: Timeframe
    walk: SimulatedWalk

    def __post_init__(self) -> None:
        if self.timeframe not in TIMEFRAMES:
            raise InvalidRequest(f"a drill takes candles of {', '.join(TIMEFRAMES)}")
        answers = self.days * self.symbols * Timeframe.D1.ms // self.timeframe.ms
        if answers > MAX_ANSWERS:
            raise InvalidRequest(
                f"{answers:,} answers are too many for a drill, {MAX_ANSWERS:,} at most: "
                "ask for fewer days or symbols, or for longer candles"
            )


class DrillSettings(Frozen):
    """The settings that answers, ledger and scores of a drill go by; none is secret."""

    analysis: AnalysisSettings
    indicators: IndicatorSettings
    models: ModelSettings
    ledger: LedgerSettings
    market_data: MarketDataSettings
    trading: TradingSettings
    llm: LlmSettings

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return those of the service, but for two: rules and model are always blended, and the LLM has no key."""
        return cls(
            analysis=settings.analysis.model_copy(update={"blend": "weighted"}),
            indicators=settings.indicators,
            models=settings.models,
            ledger=settings.ledger,
            market_data=settings.market_data,
            trading=settings.trading,
            llm=settings.llm.model_copy(update={"api_key": None, "backup_keys": ()}),
        )
