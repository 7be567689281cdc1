"""The inputs that moved a forecast most, in words."""

from __future__ import annotations

import numpy as np

from domain.arrays import FloatArray
from domain.forecasting import Driver
from features.columns.feature_sets import FEATURE_SETS
from models.architectures.summary import STATISTICS, inputs_of
from models.registry.metadata import Graph

MAX_DRIVERS = 5


def top_drivers(contributions: FloatArray, window: FloatArray, graph: Graph) -> tuple[Driver, ...]:
    """Return the inputs with the greatest contributions, greatest first; those that add nothing are left out.

    Args:
        contributions: Of each input of the model, in log odds of a rise before calibration.
        window: Unscaled, shape (sequence_length, columns).
        graph: What the model reads; its calibration scales the contributions where it is a line in log odds.
    """
    calibration = graph.calibration
    calibrated = contributions * (calibration.slope if calibration.kind == "sigmoid" else 1.0)
    order = np.argsort(-np.abs(calibrated), kind="stable")[:MAX_DRIVERS]
    return tuple(_driver(int(at), float(calibrated[at]), window, graph) for at in order if calibrated[at] != 0.0)


def _driver(at: int, contribution: float, window: FloatArray, graph: Graph) -> Driver:
    part, place = divmod(at, len(graph.columns))
    name = graph.columns[place]
    of_column = inputs_of(graph.inputs, window[None, :, place : place + 1]).ravel()
    definitions = {column.name: column.definition for column in FEATURE_SETS[graph.feature_set.name].columns}
    return Driver(
        column=name,
        statistic=STATISTICS[part] if graph.inputs == "summary" else None,
        # Indicators that are scale-free by themselves have no other words than their name.
        description=definitions[name] if definitions[name] != name else None,
        value=float(of_column[part]),
        contribution=contribution,
    )
