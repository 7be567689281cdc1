"""How a version learned: losses by epoch of a network, or by round of boosting, bounded in size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from config.section import Count
from domain.values import Frozen
from models.architectures.fitted import EpochProgress

MAX_POINTS = 200


class LearningPoint(Frozen):
    """An epoch or a round, counted from 1: losses of training and of validation, and the learning rate of it."""

    number: Count
    loss: float
    validation_loss: float
    learning_rate: Annotated[float, Field(gt=0)]


class TrainingHistory(Frozen):
    """The course of the final fit.

    Attributes:
        unit: `epoch` of a network, `round` of boosting.
        planned: Their greatest number.
        ended: Those that there were, fewer after an early stop.
        best: The one with the lowest validation loss. Its weights or its trees serve.
        points: At most `MAX_POINTS` of them, evenly spread, with the first, the best and the last.
    """

    unit: Literal["epoch", "round"]
    planned: Count
    ended: Count
    best: Count
    points: Annotated[tuple[LearningPoint, ...], Field(min_length=1, max_length=MAX_POINTS)]

    @property
    def best_point(self) -> LearningPoint:
        """The point of the best one."""
        return next(point for point in self.points if point.number == self.best)


def history_of(course: Sequence[EpochProgress], unit: Literal["epoch", "round"]) -> TrainingHistory | None:
    """Return the history of a fit, None where the library trains neither in epochs nor in rounds."""
    if not course:
        return None
    best = int(np.argmin([epoch.validation_loss for epoch in course]))
    spread = np.unique(np.linspace(0, len(course) - 1, min(len(course), MAX_POINTS - 1)).round().astype(int))
    points = tuple(
        LearningPoint(
            number=course[at].epoch,
            loss=course[at].loss,
            validation_loss=course[at].validation_loss,
            learning_rate=course[at].learning_rate,
        )
        for at in sorted({*spread.tolist(), best})
    )
    return TrainingHistory(
        unit=unit, planned=course[-1].epochs, ended=len(course), best=course[best].epoch, points=points
    )
