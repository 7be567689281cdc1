"""The judgements of a market that a backtest trades."""

from __future__ import annotations

from collections.abc import Iterator

from backtesting.past.judging import judge_past
from backtesting.past.market import PastJudgement
from domain.arrays import FloatArray
from domain.jobs import JobProgress, TellProgress, TellShare
from features.indicators.ranges import average_true_ranges
from features.indicators.technical_indicators import TechnicalIndicators
from rules.evidence.weighing import Weigher
from services.backtests.forecasts import past_forecasts
from services.backtests.markets import BacktestMarket
from services.backtests.parameters import BacktestParameters, lane_of

# Judgements from one report of the progress to the next.
_REPORTED = 100


class Judged:
    """The judgements of a market, counted while they are read.

    Attributes:
        first: Candle of the first one.
        moments: Number of judgements.
    """

    def __init__(self, market: BacktestMarket, parameters: BacktestParameters, tell: TellShare) -> None:
        self.first = self.moments = 0
        self._market = market
        self._parameters = parameters
        self._tell = tell

    def __iter__(self) -> Iterator[PastJudgement]:
        market, parameters, lane = self._market, self._parameters, lane_of(self._parameters.lane)
        forecasts = past_forecasts(market, lane.name, parameters) if lane.kind in {"model", "blend"} else None
        blend = "weighted" if lane.kind == "blend" else "advise"
        past = judge_past(
            market.past,
            parameters.analysis.model_copy(update={"primary_timeframes": (market.traded,), "blend": blend}),
            TechnicalIndicators(parameters.indicators),
            since_ms=parameters.since_ms,
            until_ms=parameters.until_ms,
            forecasts=forecasts,
            weigher=Weigher(parameters.evidence, parameters.costs),
        )
        for judgement in past:
            if not self.moments:
                self.first = judgement.position
            if self.moments % _REPORTED == 0:
                rest = max(1, len(market.series) - self.first)
                self._tell(f"judging {market.symbol} {market.traded}", (judgement.position - self.first) / rest)
            self.moments += 1
            yield judgement


def true_ranges(market: BacktestMarket, parameters: BacktestParameters, newest: int) -> FloatArray:
    """Return the average true range at the newest candles, measured from the first candle on; NaN in its warm-up."""
    ranges = average_true_ranges(market.series, parameters.indicators.atr_period)
    return ranges[len(ranges) - newest :]


def judging_part(report: TellProgress, judging_share: float, number: int, count: int) -> TellShare:
    """Return what reports the judging of one market, as its part of a job.

    Args:
        report: Takes the progress of the job.
        judging_share: Of the judging of all markets in the job, 0..1.
        number: Of the market, from 0 on.
        count: Of the markets.
    """

    def tell(stage: str, share: float) -> None:
        report(JobProgress(stage=stage, share=judging_share * (number + min(share, 1.0)) / count))

    return tell
