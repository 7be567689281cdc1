"""The history of a market, and the judgements made on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from config.settings import AnalysisSettings
from domain.errors import InvalidRequest
from domain.market import CandleSeries, Timeframe
from rules.judgement import Judgement


@dataclass(frozen=True)
class PastMarket:
    """The whole history of a market.

    Attributes:
        symbol: Name of the market.
        series: Checked candles by timeframe, with the sessions of the market; at least one timeframe.
    """

    symbol: str
    series: Mapping[Timeframe, CandleSeries]

    def __post_init__(self) -> None:
        if not any(map(len, self.series.values())):
            raise InvalidRequest(f"the history of {self.symbol} has no candles")

    def with_longer(self, *timeframes: Timeframe) -> PastMarket:
        """Return the market with candles of further timeframes, each made of the longest shorter one that divides it.

        Raises:
            InvalidRequest: no timeframe of the market divides one of these.
        """
        series = dict(self.series)
        for timeframe in sorted(set(timeframes) - series.keys(), key=lambda timeframe: timeframe.ms):
            shorter = [known for known in series if known.ms < timeframe.ms and not timeframe.ms % known.ms]
            if not shorter:
                have = ", ".join(self.series)
                raise InvalidRequest(f"{timeframe} candles of {self.symbol} cannot be made from {have} candles")
            series[timeframe] = series[max(shorter, key=lambda known: known.ms)].resample(timeframe)
        return PastMarket(self.symbol, series)

    def primary(self, settings: AnalysisSettings) -> Timeframe:
        """Return the timeframe at whose closes the market is judged.

        It is the first configured one that the market has, or else its longest, as in an analysis with enough candles.
        """
        known = sorted((found for found in self.series if len(self.series[found])), key=lambda found: found.ms)
        return next((timeframe for timeframe in settings.primary_timeframes if timeframe in known), known[-1])


@dataclass(frozen=True)
class PastJudgement:
    """A judgement as the service would have made it.

    Attributes:
        moment_ms: When it would have been made, epoch ms: the close of a candle of the market's primary timeframe.
        position: Position of that candle in its series.
    """

    moment_ms: int
    position: int
    judgement: Judgement
