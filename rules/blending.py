"""The blend of rules and model: one direction from two, and what a model says of a trend."""

from __future__ import annotations

from dataclasses import replace

from domain.forecasting import Forecast
from domain.values import Signal
from rules.direction import TrendView

# A return over fewer candles says nothing of a trend.
TREND_CANDLES = 4


def blend(view: TrendView, forecast: Forecast | None, weight: float) -> TrendView:
    """Return the view with the blended trend of rules and model.

    The trend is the weighted mean of the rules' and the model's `2 p - 1`. Where the two point to
    opposite sides the weaker of them, and where the members of an ensemble differ their disagreement
    `d` as in `models/serving/ensemble.py`, takes from the agreement: `(1 - min(|rules|, |model|)) (1 - 2 d weight)`.

    Args:
        view: Of the rules.
        forecast: Of the model; None leaves the rules alone.
        weight: The model's share, 0..1; 0 leaves the rules alone.
    """
    if forecast is None or not weight:
        return view
    model = 2 * forecast.probability_up - 1
    clash = min(abs(view.trend), abs(model)) if view.trend * model < 0 else 0.0
    return replace(
        view,
        trend=(1 - weight) * view.trend + weight * model,
        agreement=(1 - clash) * (1 - 2 * forecast.disagreement * weight),
        blended=True,
    )


def horizon_support(trend: Signal, forecast: Forecast) -> float | None:
    """Return the share of a model's horizons that expect the trend to go on, 0 to 1.

    Args:
        trend: Long or Short.
        forecast: Of the model; its returns over `TREND_CANDLES` or more count.

    Returns:
        None where the model has no such return.
    """
    returns = [value for candles, value in forecast.expected_returns.items() if candles >= TREND_CANDLES]
    return sum(value * trend.side > 0 for value in returns) / len(returns) if returns else None
