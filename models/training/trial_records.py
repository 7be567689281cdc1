"""The trials of a training or a study, as the registry records them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from models.evaluation.out_of_sample import OutOfSample
from models.registry.metadata import JudgedRange
from models.registry.trials import ModelTrial
from models.training.learner import Learner
from models.training.learner_settings import settings_digest
from models.training.training_run import TrainingRun


def judged_range(judged: OutOfSample, run: TrainingRun) -> JudgedRange | None:
    """Return the first and the last candle of predictions out of sample; None without any."""
    if not len(judged.rows):
        return None
    first_ms, last_ms = run.axis.times_ms(judged.rows[[0, -1]]).tolist()
    return JudgedRange(first_ms=first_ms, last_ms=last_ms)


def trials_of(
    learners: Iterable[Learner],
    run: TrainingRun,
    judged: OutOfSample,
    origin: Literal["training", "study"],
    at: datetime,
) -> tuple[ModelTrial, ...]:
    """Return a trial for each learner; an ensemble counts by its members.

    Args:
        learners: All that were judged.
        run: Their candles.
        judged: Predictions of one of them; none of a run without any.
        origin: What judged them.
        at: Aware UTC; of a training that of its versions.
    """
    span = judged_range(judged, run)
    if span is None:
        return ()
    return tuple(
        ModelTrial(
            kind=learner.architecture.kind,
            settings=settings_digest(learner),
            symbols=tuple(run.markets),
            timeframe=run.request.timeframe,
            first_ms=span.first_ms,
            last_ms=span.last_ms,
            origin=origin,
            at=at,
        )
        for learner in learners
    )
