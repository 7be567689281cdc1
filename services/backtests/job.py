"""The job of a backtest: its parameters, and what its process does with them."""

from __future__ import annotations

from typing import Any

from domain.jobs import TellProgress
from domain.values import Frozen
from services.backtests.parameters import BacktestParameters
from services.backtests.run import run_backtest
from services.job_candles.fetching import read_candles
from services.job_candles.series import JobSeries
from utils.clock import Clock


class BacktestJobParameters(Frozen):
    """One backtest, as JSON between the service and the job's process; the texts are shown with the job.

    Attributes:
        leaders: Candles that the model of the lane reads beside those that are traded.
    """

    symbols: str
    lane: str
    backtest: BacktestParameters
    series: tuple[JobSeries, ...]
    leaders: tuple[JobSeries, ...] = ()


def run_job(parameters: dict[str, Any], report: TellProgress, clock: Clock) -> dict[str, Any]:
    """Return the signed result of a backtest; candles that the parameters do not have are read first.

    Raises:
        MarketDataUnavailable: a source of candles failed too often.
        InvalidRequest, InsufficientData, InvalidMarketData: as `run_backtest`.
    """
    job = BacktestJobParameters.model_validate(parameters)
    candles, listener = read_candles((*job.series, *job.leaders), report, clock)
    traded, leaders = candles[: len(job.series)], candles[len(job.series) :]
    return run_backtest(traded, job.backtest, listener, clock.now(), leaders=leaders).document
