"""The job of measuring evidence: its parameters, and what its process does with them."""

from __future__ import annotations

from typing import Any

from backtesting.evidence.building import build_evidence
from domain.jobs import TellProgress, tell_share
from domain.trading.costs import MarketCosts
from domain.values import Frozen
from rules.evidence.measured import MeasuredEvidence
from services.evidence.parameters import EvidenceTask, MeasuredCandles, MeasuringParameters
from services.evidence.run import check_evidence, measure
from services.job_candles.fetching import read_candles
from services.job_candles.series import JobSeries
from utils.clock import Clock


class CheckedEvidence(Frozen):
    """The evidence that is compared with plans, its name, and the costs of plans."""

    name: str
    evidence: MeasuredEvidence
    costs: MarketCosts


class EvidenceJobParameters(Frozen):
    """What is measured, as JSON between the service and the job's process; the texts are shown with the job.

    Attributes:
        checked: What is compared with the plans; None where evidence is built of them.
    """

    task: EvidenceTask
    symbols: str
    measuring: MeasuringParameters
    checked: CheckedEvidence | None = None
    series: tuple[JobSeries, ...]


def run_job(parameters: dict[str, Any], report: TellProgress, clock: Clock) -> dict[str, Any]:
    """Return the evidence that was built, or the check; candles that the parameters do not have are read first.

    Raises:
        MarketDataUnavailable: a source of candles failed too often.
        InvalidRequest: a market has no candles in the time.
        InvalidMarketData: a timeframe cannot be made from the candles.
        InsufficientData: no timeframe has plans of enough weeks.
    """
    job = EvidenceJobParameters.model_validate(parameters)
    read, listener = read_candles(job.series, report, clock, "nothing was measured")
    candles = [MeasuredCandles(f"{symbol}-{series.timeframe}", symbol, series) for symbol, series in read]
    markets = measure(candles, len(candles), job.measuring, tell_share(listener))
    if job.checked is None:
        return build_evidence(markets, clock.now()).model_dump(mode="json")
    return check_evidence(job.checked.evidence, job.checked.name, markets, job.checked.costs)[1]
