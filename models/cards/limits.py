"""Limits of a version, as far as its own metadata tell."""

from __future__ import annotations

from domain.forecasting import ANY_SYMBOL, ModelType
from domain.values import utc_time
from models.registry.metadata import ModelMetadata

# An expected calibration error of noise alone is about 0.01 on a few thousand rows.
UNRELIABLE_ECE = 0.03
FEW_PREDICTIONS = 2_000


def limits_of(model: ModelMetadata, trials: int | None, *, watched: bool) -> list[str]:
    """Return the limits of a version in sentences, those that any user meets first.

    Args:
        model: Its metadata.
        trials: Settings that were judged on candles of its figures; None where that is not known.
        watched: Whether its drift is watched while it serves.
    """
    return [*_scope(model, watched=watched), *_skill(model), *_figures(model, trials), *_plans(model), *_kind(model)]


def _scope(model: ModelMetadata, *, watched: bool) -> list[str]:
    ahead = f"{model.horizon_candles} candle{'s' if model.horizon_candles > 1 else ''}"
    close = (
        f"It forecasts the direction of the close {ahead} of {model.timeframe} ahead and nothing else: not how far "
        "prices move, no other horizon and no other timeframe."
    )
    plan = (
        f"It weighs plans that the rules give on {model.timeframe} candles, with their own stop and target, and "
        "nothing else: no close, no plan of other exits, and nothing where the rules give none."
    )
    told = [plan if model.target == "plan" else close]
    if model.data is None:
        return [*told, "It was imported: the candles that it was trained on are not known, so nothing here is judged."]
    until = utc_time(model.trained_until_ms or 0)
    drift = "which its drift tells" if watched else "and nothing watches its drift"
    told.append(f"It knows nothing of candles after {until:%Y-%m-%d %H:%M} UTC; markets change, {drift}.")
    if model.symbol == ANY_SYMBOL:
        markets = ", ".join(model.data.markets) or "the markets of its training, which were not recorded"
        told.append(f"It was trained on {markets}. It answers for other markets too, on which it was never judged.")
    return told


def _skill(model: ModelMetadata) -> list[str]:
    told = []
    if model.verdict and model.verdict.forced:
        told.append("A person let it serve against the gate, or without it.")
    if model.skill == "not_better":
        told.append(f"It was not surely better than {_reference(model)}: no ground for a trade.")
    elif model.skill is None:
        told.append(f"The gate compared it with nothing: whether it is better than {_reference(model)} is not known.")
    return told


def _reference(model: ModelMetadata) -> str:
    return "the evidence" if model.target == "plan" else "the share of rises so far"


def _figures(model: ModelMetadata, trials: int | None) -> list[str]:
    scores, told = model.metrics, []
    if scores is None:
        return []
    if scores.count < FEW_PREDICTIONS:
        told.append(f"Its figures are of {scores.count:,} predictions only: their intervals are wide.")
    if scores.ece is not None and scores.ece > UNRELIABLE_ECE:
        advice = "take the side, not the number" if model.target == "close" else "other plans may win less"
        told.append(f"Its probabilities are off by {scores.ece:.3f} in the mean: {advice}.")
    if trials is not None and trials > 1:
        told.append(
            f"{trials:,} settings were judged on some of the candles of these figures: as one of several its own look "
            "better than they are. `cli.py evaluate` on candles newer than its training tells."
        )
    if model.shipped:
        told.append("Its settings were chosen elsewhere, by a number of trials that is not known here.")
    if scores.accuracy is not None and model.target == "close":
        told.append(
            f"Right in {scores.accuracy:.1%} of its forecasts, it does not pay for trading on each of them: costs of a "
            "few bps are more than the edge of one candle. `cli.py evaluate` shows returns after costs."
        )
    return told


def _plans(model: ModelMetadata) -> list[str]:
    if model.judged_plans is not None:
        return [
            f"Plans that overlap share their fate: it was judged on as many as {model.judged_plans.plans:,} "
            "independent ones, which is what its intervals know of."
        ]
    record = model.plans
    if record is None:
        return ["What plans with a stop and a target come to on its side was not measured: its forecasts have none."]
    low, high = record.above_random_r.low, record.above_random_r.high
    if low is None or high is None:
        return ["It has too few plans to tell whether its side is worth more than entries at random."]
    if low <= 0.0 <= high:
        return [
            f"Plans of its side cannot be told from entries at random: {record.above_random_r.mean or 0.0:+.3f} R more "
            f"[{low:+.3f}, {high:+.3f}]. It says little of a plan, which takes much longer than its horizon."
        ]
    return []


def _kind(model: ModelMetadata) -> list[str]:
    told = []
    if model.type not in {ModelType.LIGHTGBM, ModelType.XGBOOST, ModelType.LOGISTIC}:
        told.append("Its forecasts name no drivers.")
    if model.target == "close" and model.data and model.data.over_break_share > 0.0:
        told.append(f"{model.data.over_break_share:.0%} of its returns span a night, a weekend or a holiday.")
    return told
