"""Kinds of inputs and outputs, and how probabilities and horizons are read from raw outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from domain.arrays import RealArray
from features.datasets.targets import RISK_HORIZONS, TradeClass

InputKind = Literal["window", "summary", "newest"]
OutputKind = Literal["probability", "three_class", "multi_horizon"]

HORIZONS = 4
CLASSES = len(TradeClass)
# The parts of a multi-horizon answer, in order: returns, class logits horizon by horizon, drawdowns, rallies.
RETURNS = slice(0, HORIZONS)
LOGITS = slice(RETURNS.stop, RETURNS.stop + HORIZONS * CLASSES)
RISKS = slice(LOGITS.stop, LOGITS.stop + 2 * len(RISK_HORIZONS))

OUTPUTS: dict[OutputKind, int] = {
    "probability": 1,
    "three_class": CLASSES,
    "multi_horizon": RISKS.stop,
}


@dataclass(frozen=True)
class HorizonForecasts:
    """A multi-horizon answer by horizon in candles, each n fractions of the price.

    Drawdowns (<= 0) and rallies (>= 0) are given for the second and the fourth horizon.
    """

    returns: dict[int, RealArray]
    drawdowns: dict[int, RealArray]
    rallies: dict[int, RealArray]


def probability_up(raw: RealArray, kind: OutputKind, judged: int = 0) -> RealArray:
    """Return the uncalibrated probability that the price rises, shape (n,), 0..1.

    Of three classes it is buy / (buy + sell), and 0.5 where both are 0: HOLD takes no side.

    Args:
        raw: Shape (n, outputs).
        kind: What the outputs are.
        judged: Number of the horizon, 0..3; only for `multi_horizon`.

    Raises:
        ValueError: another number of outputs than the kind has.
    """
    if raw.ndim != 2 or raw.shape[1] != OUTPUTS[kind]:
        raise ValueError(f"{kind} answers have shape (n, {OUTPUTS[kind]}), received {raw.shape}")
    if kind == "probability":
        return raw[:, 0]
    if kind == "three_class":
        return _buy_share(raw)
    logits = raw[:, LOGITS].reshape(-1, HORIZONS, CLASSES)[:, judged]
    return _buy_share(np.exp(logits - logits.max(axis=1, keepdims=True)))


def unpack_horizons(raw: RealArray, horizons_candles: Sequence[int]) -> HorizonForecasts:
    """Return the returns and risks of multi-horizon answers.

    Args:
        raw: Shape (n, 20).
        horizons_candles: The four horizons that the model was trained on, in candles.
    """
    drawdowns, rallies = np.split(raw[:, RISKS], 2, axis=1)
    risky = [horizons_candles[at] for at in RISK_HORIZONS]
    return HorizonForecasts(
        returns=dict(zip(horizons_candles, raw[:, RETURNS].T, strict=True)),
        drawdowns=dict(zip(risky, drawdowns.T, strict=True)),
        rallies=dict(zip(risky, rallies.T, strict=True)),
    )


def _buy_share(weights: RealArray) -> RealArray:
    buy, sides = weights[:, TradeClass.BUY], weights[:, TradeClass.BUY] + weights[:, TradeClass.SELL]
    return np.divide(buy, sides, out=np.full_like(buy, 0.5), where=sides > 0)
