"""How a version learned, as a small table with the course of its losses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from models.registry.training_history import LearningPoint, TrainingHistory

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 60
# Rows of the table: the first, the best and the last one, and some between.
_ROWS = 8


def learned(history: TrainingHistory) -> Group:
    """Return the losses by epoch or round: a table of some, and the course of each loss as bars."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title="Training", title_justify="left")
    for heading in (history.unit, "loss", "validation loss", "learning rate"):
        table.add_column(heading, justify="right")
    for point in _some(history):
        mark = " *" if point.number == history.best else ""
        losses = (f"{value:.5f}" for value in (point.loss, point.validation_loss))
        table.add_row(f"{point.number}{mark}", *losses, f"{point.learning_rate:g}")
    ended = f"{history.ended} of {history.planned} {history.unit}s; * has the lowest validation loss"
    lines = [
        Text(f"{name:<16}{_line([getattr(point, field) for point in history.points])}")
        for name, field in (("loss", "loss"), ("validation loss", "validation_loss"))
    ]
    return Group(table, Text(ended), *lines)


def _some(history: TrainingHistory) -> list[LearningPoint]:
    places = np.linspace(0, len(history.points) - 1, min(len(history.points), _ROWS)).round().astype(int)
    chosen = {history.points[at].number for at in places} | {history.best}
    return [point for point in history.points if point.number in chosen]


def _line(values: Sequence[float]) -> str:
    """Return a bar for each value, or for the mean of some where they are many."""
    means = np.array([part.mean() for part in np.array_split(np.array(values), min(len(values), _WIDTH))])
    span = means.max() - means.min()
    heights = (means - means.min()) / span if span else np.zeros_like(means)
    return "".join(_BARS[round(height * (len(_BARS) - 1))] for height in heights.tolist())
