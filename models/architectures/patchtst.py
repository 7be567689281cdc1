"""PatchTST over all features at once: returns, classes and risks of four horizons from patches of a window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from config.network_settings import PatchTSTSettings
from domain.arrays import RealArray
from features.datasets.targets import RISK_HORIZONS, TradeClass
from features.datasets.windows import Windows
from models.architectures.blocks import encoder_block, few_coefficients, read_by_answers
from models.architectures.outputs import CLASSES, HORIZONS, LOGITS, RETURNS, RISKS
from models.architectures.recipe import Recipe, input_shape
from models.export.own_layers import LearnedPositions, Tensor

# The columns of `features.datasets.targets.multi_horizon_target`.
_TRUE_RETURNS, _TRUE_CLASSES = slice(0, HORIZONS), slice(HORIZONS, 2 * HORIZONS)
_TRUE_RISKS = slice(2 * HORIZONS, 2 * HORIZONS + 2 * len(RISK_HORIZONS))


@dataclass(frozen=True)
class TargetScale:
    """How large returns and risks are in training: root mean squares as fractions of the price, never 0.

    `windows` is the number of those that they were measured on, >= 1.
    """

    returns: tuple[float, ...]
    risks: tuple[float, ...]
    windows: int

    @classmethod
    def of(cls, targets: RealArray) -> TargetScale:
        """Return the scale of multi-horizon targets, shape (n, 12)."""
        size = np.sqrt(np.square(targets).mean(axis=0))
        size = np.where(size == 0.0, 1.0, size)
        return cls(tuple(size[_TRUE_RETURNS].tolist()), tuple(size[_TRUE_RISKS].tolist()), len(targets))


def horizon_weights(settings: PatchTSTSettings) -> tuple[float, ...]:
    """Return the weight of each horizon in the loss, shape (4,), of the sum 1: equal ones, or those of unique labels.

    What follows a candle for h candles is nearly what follows the next one, so that n labels tell as much as n / h
    would that do not overlap: the weight is in proportion to 1 / h.

    Source: Lopez de Prado, Advances in Financial Machine Learning (2018), 4.4, for the uniqueness of a label.
    """
    unique = settings.horizon_weights == "unique"
    shares = [1.0 / candles if unique else 1.0 for candles in settings.horizons_candles]
    return tuple(share / sum(shares) for share in shares)


def build_patchtst(shape: tuple[int, int], settings: PatchTSTSettings, scale: TargetScale) -> keras.Model:
    """Return the uncompiled network: windows (sequence_length, features) -> the 20 numbers of `outputs.py`.

    Patches mix all features, since features depend on each other; the network works in units of `scale`.

    Source: Nie et al., A Time Series is Worth 64 Words (2023): patches, learned positions, flattened head.
    """
    inputs = keras.Input(shape)
    # Cutting overlapping patches and projecting each is what a strided convolution does.
    patches = layers.Conv1D(settings.width, settings.patch_length, strides=settings.patch_stride)(inputs)
    x = layers.Dropout(settings.dropout)(LearnedPositions()(patches))
    for _ in range(settings.blocks):
        head_width = settings.width // settings.heads
        x = encoder_block(x, settings.heads, head_width, settings.feed_forward_width, settings.dropout)
    x = layers.Dropout(settings.dropout)(layers.Flatten()(x))
    x = read_by_answers(inputs, x, settings)
    drawdowns, rallies = np.split(np.array(scale.risks), 2)
    units = [*scale.returns, *[1.0] * (HORIZONS * CLASSES), *(-drawdowns).tolist(), *rallies.tolist()]
    return keras.Model(inputs, layers.Rescaling(units)(_answers(x, settings, scale.windows)), name="patchtst")


def _answers(x: Tensor, settings: PatchTSTSettings, windows: int) -> Tensor:
    """Return the 20 numbers in units of their scale, from linear layers that start at zero, as `probability` does.

    The penalty of a layer is in proportion to the weight of its horizon in the loss.
    """
    weights = horizon_weights(settings)

    def head(width: int, activation: str | None, horizon: int) -> Tensor:
        labels = windows / settings.horizons_candles[horizon]
        penalty = few_coefficients(settings.head_penalty * weights[horizon], x.shape[-1], labels)
        return layers.Dense(width, activation, kernel_initializer="zeros", kernel_regularizer=penalty)(x)

    returns = [head(1, None, horizon) for horizon in range(HORIZONS)]
    classes = [head(CLASSES, None, horizon) for horizon in range(HORIZONS)]
    # Softplus is never negative: the signs of drawdowns and rallies come with their scale.
    risks = [head(1, "softplus", horizon) for horizon in (*RISK_HORIZONS, *RISK_HORIZONS)]
    return layers.Concatenate()([*returns, *classes, *risks])


def patchtst_recipe(train: Windows, settings: PatchTSTSettings) -> Recipe:
    """Return the recipe of a network for these windows; their targets give its scale."""
    scale = TargetScale.of(train.targets[train.ends])
    loss = MultiHorizonLoss(scale, horizon_weights(settings), settings.direction_weight)
    return Recipe(build_patchtst(input_shape(train), settings, scale), loss, settings.learning)


class MultiHorizonLoss(keras.losses.Loss):  # type: ignore[misc]  # Keras has no types
    """Huber losses of returns and risks in units of their scale, and the cross-entropy of the classes, summed.

    Each horizon counts with its weight. `direction_weight` times the cross-entropy of rise and fall, buy and sell
    without hold, is added: the others measure mostly how far prices move.
    """

    def __init__(self, scale: TargetScale, weights: Sequence[float], direction_weight: float) -> None:
        super().__init__(name="multi_horizon")
        self.scale, self.weights, self.direction_weight = scale, tuple(weights), direction_weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        returns = _huber((y_true[:, _TRUE_RETURNS] - y_pred[:, RETURNS]) / ops.array(self.scale.returns))
        risks = _huber((y_true[:, _TRUE_RISKS] - y_pred[:, RISKS]) / ops.array(self.scale.risks))
        classes = ops.one_hot(ops.cast(y_true[:, _TRUE_CLASSES], "int32"), CLASSES)
        logits = ops.reshape(y_pred[:, LOGITS], (-1, HORIZONS, CLASSES))
        surprise = -ops.sum(classes * ops.log_softmax(logits), axis=-1)
        sides = logits[..., TradeClass.BUY] - logits[..., TradeClass.SELL]
        rises = 0.5 + 0.5 * ops.sign(y_true[:, _TRUE_RETURNS])
        direction = ops.softplus(sides) - rises * sides
        weights = ops.array(self.weights)
        risk_weights = ops.array([self.weights[horizon] for horizon in (*RISK_HORIZONS, *RISK_HORIZONS)])
        by_horizon = returns + surprise + self.direction_weight * direction
        return ops.sum(weights * by_horizon, axis=-1) + ops.sum(risk_weights * risks, axis=-1)


def _huber(errors: Any) -> Any:
    size = ops.abs(errors)
    return ops.where(size <= 1.0, 0.5 * ops.square(errors), size - 0.5)
