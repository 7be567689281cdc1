"""The job of a search: its parameters, and what its process does with them."""

from __future__ import annotations

from typing import Any

from domain.jobs import TellProgress
from domain.values import Frozen
from services.job_candles.fetching import read_candles
from services.job_candles.series import JobSeries
from services.optimising.parameters import OptimiseParameters
from services.optimising.run import run_optimise
from utils.clock import Clock


class OptimiseJobParameters(Frozen):
    """One search, as JSON between the service and the job's process; texts and numbers are shown with the job."""

    symbols: str
    lane: str
    trials: int
    folds: int
    search: OptimiseParameters
    series: tuple[JobSeries, ...]


def run_job(parameters: dict[str, Any], report: TellProgress, clock: Clock) -> dict[str, Any]:
    """Return the signed result of a search; candles that the parameters do not have are read first.

    Raises:
        MarketDataUnavailable: a source of candles failed too often.
        InvalidRequest, InsufficientData, InvalidMarketData: as `run_optimise`.
    """
    job = OptimiseJobParameters.model_validate(parameters)
    candles, listener = read_candles(job.series, report, clock)
    return run_optimise(candles, job.search, listener, clock.now()).document
