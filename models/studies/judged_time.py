"""A run that is judged on all candles from a time on, in place of the folds of its settings."""

from __future__ import annotations

from domain.errors import InvalidRequest
from domain.values import utc_time
from models.training.training_run import TrainingRun
from models.training.walk_forward import EvaluationSet

# With fewer candles before the time than after it, too little would be learned.
MAX_JUDGED_SHARE = 0.5


def judge_from(run: TrainingRun, first_ms: int) -> None:
    """Let a run that has not begun learn from the candles before a time and be judged on all from it on, in one part.

    The rows of several markets at the same time are drawn together.

    Args:
        run: Not yet run.
        first_ms: Epoch ms.

    Raises:
        InvalidRequest: no candle, or more than half of them, open from then on.
    """
    times = run.axis.times_ms(run.evaluation_set.ends)
    share = float((times >= first_ms).mean())
    if not 0.0 < share <= MAX_JUDGED_SHARE:
        day = f"{utc_time(first_ms):%Y-%m-%d}"
        raise InvalidRequest(
            f"{share:.0%} of the candles open from {day} on: those to judge have to be some, and at most half"
        )
    evaluation = run.models.evaluation
    block = evaluation.bootstrap_block * len(run.markets)
    changes = {"folds": 1, "test_share": share, "bootstrap_block": block}
    run.models = run.models.model_copy(update={"evaluation": evaluation.model_copy(update=changes)})
    run.evaluation_set = EvaluationSet.of(tuple(run.learners.values()), run.models)
