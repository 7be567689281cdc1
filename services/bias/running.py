"""What a job against bias does, in its process."""

from __future__ import annotations

from typing import Any

from domain.jobs import JobProgress, TellProgress, TellShare
from models.registry.registry import Registry
from models.serving.loaded_models import load_version
from services.bias.parameters import BiasParameters
from services.bias.reports import BiasSubject, history_report, lookahead_report
from services.job_candles.fetching import read_candles
from utils.clock import Clock


def run_lookahead(parameters: BiasParameters, report: TellProgress, clock: Clock) -> dict[str, Any]:
    """Return what looks ahead on the candles of the job; as `lookahead_report`."""
    subject, tell = _prepare(parameters, report, clock)
    return lookahead_report(subject, parameters.moments, tell)


def run_recursive(parameters: BiasParameters, report: TellProgress, clock: Clock) -> dict[str, Any]:
    """Return how much history is needed on the candles of the job; as `history_report`."""
    subject, tell = _prepare(parameters, report, clock)
    return history_report(subject, tell)


def _prepare(parameters: BiasParameters, report: TellProgress, clock: Clock) -> tuple[BiasSubject, TellShare]:
    """Return what is checked, and the function that reports its progress.

    Raises:
        MarketDataUnavailable: the source of the candles failed too often.
        ModelNotFound, ModelUnusable: the version is gone or damaged.
    """
    ((_, series), *led_by), listener = read_candles(
        (parameters, *parameters.leaders), report, clock, "nothing was checked"
    )
    forecaster = None
    if parameters.version is not None:
        forecaster = load_version(Registry.of(parameters.models), parameters.version)
    leader = led_by[0][1] if led_by else None
    subject = BiasSubject(parameters.symbol, series, parameters.analysis, parameters.indicators, forecaster, leader)
    return subject, lambda words, share: listener(JobProgress(stage=words, share=share))
