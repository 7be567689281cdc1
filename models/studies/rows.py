"""The rows of a study: a learner, several seeds of one, or a combination, with their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from models.evaluation.bootstrap import Interval
from models.evaluation.gate import Comparison
from models.evaluation.metrics import Scores
from models.evaluation.out_of_sample import OutOfSample
from models.evaluation.time_axis import TimeAxis
from models.registry.trials import ModelTrial


@dataclass(frozen=True)
class StudyRow:
    """One line of the table.

    Attributes:
        name: The learner, or the combination.
        scores: Out of sample. Of several seeds, figures and ends of intervals are means over the seeds.
        against_logistic: Paired difference in Brier score; None for logistic regression itself.
        cpu_seconds: Of all fits and predictions, the import of the library included; of several seeds the
            mean. None for what is not trained.
        made_at: When its predictions were made, of several seeds the last; None for what is not trained.
        settings: Digest of its columns and settings; None for what is not trained, and for several seeds.
        said: The predictions that are scored; None of the mean of several seeds' figures.
    """

    name: str
    scores: Scores
    against_logistic: Comparison | None
    cpu_seconds: float | None
    made_at: datetime | None
    settings: str | None = None
    said: OutOfSample | None = None


@dataclass(frozen=True)
class StudyResult:
    """The table and its data; times are those of the first and the last test candle, `trials` what was judged.

    Attributes:
        axis: Of the predictions of the rows.
    """

    rows: tuple[StudyRow, ...]
    candles: int
    folds: int
    first_ms: int
    last_ms: int
    note: str | None
    trials: tuple[ModelTrial, ...]
    axis: TimeAxis


def mean_row(name: str, rows: Sequence[StudyRow]) -> StudyRow:
    """Return the expectation of a single seed: the mean of every figure and of every end of an interval."""
    compared = [row.against_logistic for row in rows if row.against_logistic]
    seconds = [row.cpu_seconds for row in rows if row.cpu_seconds is not None]
    intervals = [row.scores.intervals for row in rows]
    common = [metric for metric in intervals[0] if all(metric in of_row for of_row in intervals)]
    figures = [row.scores.model_dump(exclude={"count", "ups", "intervals"}) for row in rows]
    scores = Scores(
        count=rows[0].scores.count,
        ups=rows[0].scores.ups,
        **{metric: _mean([of_row[metric] for of_row in figures]) for metric in figures[0]},
        intervals={metric: _mean_interval([of_row[metric] for of_row in intervals]) for metric in common},
    )
    ends = [comparison.interval for comparison in compared if comparison.interval]
    against = compared[0].model_copy(
        update={
            "model": name,
            "brier": _mean([comparison.brier for comparison in compared]),
            "difference": _mean([comparison.difference for comparison in compared]),
            "interval": _mean_interval(ends) if len(ends) == len(compared) else None,
        }
    )
    return StudyRow(name, scores, against, float(np.mean(seconds)), max(row.made_at for row in rows if row.made_at))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def _mean_interval(intervals: Sequence[Interval]) -> Interval:
    return Interval(
        low=float(np.mean([interval.low for interval in intervals])),
        high=float(np.mean([interval.high for interval in intervals])),
    )
