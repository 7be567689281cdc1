"""The parameters of measured evidence, complete: the process of a job reads no settings."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

from config.settings import AnalysisSettings, IndicatorSettings, Settings
from domain.errors import InvalidMarketData
from domain.market import CandleSeries, Timeframe
from domain.values import Frozen


def _shortest_first(named: tuple[Timeframe, ...]) -> tuple[Timeframe, ...]:
    return tuple(sorted(set(named), key=lambda timeframe: timeframe.ms))


class EvidenceTask(StrEnum):
    """What is made of the measured plans: evidence, or a check of the evidence in use."""

    BUILD = "build"
    CHECK = "check"


class MeasuredCandles(NamedTuple):
    """Closed candles of a market, oldest first; `name` says in the evidence where they are from."""

    name: str
    symbol: str
    series: CandleSeries


class MeasuringOptions(Frozen):
    """What is asked for.

    Attributes:
        timeframes: Plans of these are measured, shortest first and each once; none takes that of the candles.
        since_ms, until_ms: First moment and end of the moments, epoch ms; None is that of the candles.
    """

    timeframes: Annotated[tuple[Timeframe, ...], AfterValidator(_shortest_first)] = ()
    since_ms: int | None = None
    until_ms: int | None = None

    def of_candles(self, timeframe: Timeframe) -> tuple[Timeframe, ...]:
        """Return the timeframes that are measured on candles of one.

        Raises:
            InvalidMarketData: one of them cannot be made from these candles.
        """
        for wanted in self.timeframes:
            if wanted.ms % timeframe.ms:
                raise InvalidMarketData(f"{wanted} candles cannot be made from {timeframe} candles")
        return self.timeframes or (timeframe,)


class MeasuringParameters(Frozen):
    """How plans are measured.

    Attributes:
        longer: Timeframes that are judged with a measured one where they are longer.
    """

    options: MeasuringOptions
    longer: tuple[Timeframe, ...]
    analysis: AnalysisSettings
    indicators: IndicatorSettings

    @classmethod
    def of(cls, options: MeasuringOptions, settings: Settings) -> MeasuringParameters:
        """Return the parameters for the options, by the settings."""
        longer = tuple(settings.market_data.timeframes)
        return cls(options=options, longer=longer, analysis=settings.analysis, indicators=settings.indicators)
