"""The inputs that moved a forecast most, in words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from domain.arrays import FloatArray, RealArray
from domain.forecasting import Driver
from features.columns.feature_sets import FEATURE_SETS
from models.architectures.summary import STATISTICS
from models.registry.metadata import Graph

MAX_DRIVERS = 5


def top_drivers(contributions: FloatArray, inputs: RealArray, graph: Graph) -> tuple[Driver, ...]:
    """Return the inputs with the greatest contributions, greatest first; those that add nothing are left out.

    Args:
        contributions: Of each input of the model, in log odds of a rise before calibration.
        inputs: Unscaled, as many numbers.
        graph: What the model reads; its calibration scales the contributions where it is a line in log odds.
    """
    calibration = graph.calibration
    calibrated = contributions * (calibration.slope if calibration.kind == "sigmoid" else 1.0)
    order = np.argsort(-np.abs(calibrated), kind="stable")[:MAX_DRIVERS]
    return tuple(
        _driver(at, float(calibrated[at]), float(inputs[at]), graph) for at in order.tolist() if calibrated[at] != 0.0
    )


def _driver(at: int, contribution: float, value: float, graph: Graph) -> Driver:
    part, place = divmod(at, len(graph.columns))
    name = graph.columns[place]
    definition = _definitions(graph.feature_set.name)[name]
    return Driver(
        column=name,
        statistic=STATISTICS[part] if graph.inputs == "summary" else None,
        # Indicators that are scale-free by themselves have no other words than their name.
        description=definition if definition != name else None,
        value=value,
        contribution=contribution,
    )


@cache
def _definitions(feature_set: str) -> Mapping[str, str]:
    return {column.name: column.definition for column in FEATURE_SETS[feature_set].columns}
