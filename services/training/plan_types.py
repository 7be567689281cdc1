"""The type of model that a training is asked for, and those that can learn from plans."""

from __future__ import annotations

from domain.errors import InvalidRequest
from domain.forecasting import ModelTarget, ModelType

# They read one row and learn which of two things comes. Networks read windows, and what the rules said at each candle
# of one is not known.
PLAN_TYPES = (ModelType.LIGHTGBM, ModelType.LOGISTIC)
# Where none is named: it did best on plans of 2021 and 2022 (docs/plan-models.md).
PLAN_TYPE = ModelType.LOGISTIC


def chosen_type(asked: ModelType | None, target: ModelTarget, default: ModelType) -> ModelType:
    """Return the type to train: the one asked for, else `default` or, for plans, the one that does best.

    Raises:
        InvalidRequest: it cannot learn from the plans that it is asked to.
    """
    if target == "close":
        return asked or default
    check_plan_type(chosen := asked or PLAN_TYPE)
    return chosen


def check_plan_type(kind: ModelType) -> None:
    """Refuse types that cannot learn from plans.

    Raises:
        InvalidRequest: names those that can.
    """
    if kind not in PLAN_TYPES:
        raise InvalidRequest(f"{kind} models do not learn from plans; {' and '.join(PLAN_TYPES)} do")
