"""The functions that jobs run, in a process of their own.

A function takes JSON-like parameters and returns JSON-like results, may be run twice without harm, and raises
`AppError` with a message for the person who asked. What it needs is imported in it: this module is loaded in no time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from domain.errors import NotReady
from domain.jobs import JobKind, JobProgress

Report = Callable[[JobProgress], None]
JobFunction = Callable[[dict[str, Any], Report], dict[str, Any]]


def train(parameters: dict[str, Any], report: Report) -> dict[str, Any]:  # noqa: ARG001
    """Train a model of candles and register it.

    Args:
        parameters: `symbol`, `timeframe`, `model_type`, `epochs`, `seed`, `candles` (rows of timestamp, open, high,
            low, close, volume), and the settings sections `features` and `models`.
        report: Takes the progress.

    Returns:
        `version`, `promoted`, `verdict`, `metrics`.

    Raises:
        NotReady: always, until there are models.
    """
    raise NotReady("models cannot be trained yet")


JOBS: Mapping[JobKind, JobFunction] = {JobKind.TRAIN: train}
