"""A picture of learners side by side: differences in Brier score and areas under the curve, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models.evaluation.bootstrap import Interval
from models.evaluation.plots import FREE, MODEL, REFERENCE, finish, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Reach:
    """A figure and its 95 % interval; None where it is undefined."""

    value: float | None
    ends: Interval | None


@dataclass(frozen=True)
class LearnerMarks:
    """A learner, its Brier score less that of logistic regression, and its area under the curve."""

    name: str
    difference: Reach
    auc: Reach


def write_learners(path: Path, learners: Sequence[LearnerMarks], title: str) -> None:
    """Write a PNG: one line for each learner, the first at the top; left of zero is better in Brier score.

    Args:
        path: File to write.
        learners: One or more.
        title: Above the picture.
    """
    figure = new_figure(1.6 + 0.42 * len(learners))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    _draw(left, [learner.difference for learner in learners], 1e5)
    left.axvline(0.0, color=REFERENCE, linestyle="--", linewidth=0.8, label="logistic regression")
    left.set_xlabel("Brier score less that of logistic regression, 1e-5")
    left.set_yticks(range(len(learners)), [learner.name for learner in learners])
    left.set_ylim(len(learners) - 0.5, -0.5)
    _draw(right, [learner.auc for learner in learners], 1.0)
    right.axvline(0.5, color=REFERENCE, linestyle="--", linewidth=0.8)
    right.set_xlabel("area under the curve")
    figure.suptitle(title)
    finish(figure, left, path)


def _draw(axes: Axes, reaches: Sequence[Reach], factor: float) -> None:
    for place, reach in enumerate(reaches):
        if reach.value is None:
            continue
        if reach.ends is not None:
            low, high = factor * reach.ends.low, factor * reach.ends.high
            axes.plot([low, high], [place, place], color=FREE, linewidth=3.0)
        axes.plot([factor * reach.value], [place], "o", color=MODEL, markersize=5)
    axes.margins(x=0.08)
