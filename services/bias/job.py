"""The jobs against bias: what their process does."""

from __future__ import annotations

from typing import Any

from domain.jobs import TellProgress, TellShare, tell_share
from models.registry.registry import Registry
from models.serving.loaded_models import load_version
from services.bias.parameters import BiasParameters
from services.bias.reports import BiasSubject, history_report, lookahead_report
from services.job_candles.fetching import read_candles
from utils.clock import Clock


def run_lookahead(parameters: dict[str, Any], report: TellProgress, clock: Clock) -> dict[str, Any]:
    """Return what looks ahead, as `lookahead_report`; candles that the parameters do not have are read first.

    Raises:
        InsufficientData: too few candles, with the numbers.
        MarketDataUnavailable: the source of the candles failed too often.
        ModelNotFound, ModelUnusable: the version is gone or damaged.
    """
    job = BiasParameters.model_validate(parameters)
    subject, tell = _prepare(job, report, clock)
    return lookahead_report(subject, job.moments, tell)


def run_recursive(parameters: dict[str, Any], report: TellProgress, clock: Clock) -> dict[str, Any]:
    """Return how much history is needed, as `history_report`; raises as `run_lookahead`."""
    subject, tell = _prepare(BiasParameters.model_validate(parameters), report, clock)
    return history_report(subject, tell)


def _prepare(job: BiasParameters, report: TellProgress, clock: Clock) -> tuple[BiasSubject, TellShare]:
    """Return what is checked, and the function that reports its progress."""
    ((_, series), *led_by), listener = read_candles((job, *job.leaders), report, clock, "nothing was checked")
    forecaster = load_version(Registry.of(job.models), job.version) if job.version is not None else None
    leader = led_by[0][1] if led_by else None
    subject = BiasSubject(job.symbol, series, job.analysis, job.indicators, forecaster, leader)
    return subject, tell_share(listener)
