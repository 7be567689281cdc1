"""PatchTST over all features at once: returns, classes and risks of four horizons from patches of a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from config.model_settings import PatchTSTSettings
from domain.arrays import RealArray
from features.datasets.targets import RISK_HORIZONS, TradeClass
from features.datasets.windows import Windows
from models.architectures.blocks import encoder_block
from models.architectures.outputs import CLASSES, HORIZONS, LOGITS, RETURNS, RISKS
from models.architectures.recipe import Recipe, input_shape
from models.export.own_layers import LearnedPositions

# The columns of `features.datasets.targets.multi_horizon_target`.
_TRUE_RETURNS, _TRUE_CLASSES = slice(0, HORIZONS), slice(HORIZONS, 2 * HORIZONS)
_TRUE_RISKS = slice(2 * HORIZONS, 2 * HORIZONS + 2 * len(RISK_HORIZONS))


@dataclass(frozen=True)
class TargetScale:
    """How large returns and risks are in training: root mean squares as fractions of the price, never 0."""

    returns: tuple[float, ...]
    risks: tuple[float, ...]

    @classmethod
    def of(cls, targets: RealArray) -> TargetScale:
        """Return the scale of multi-horizon targets, shape (n, 12)."""
        size = np.sqrt(np.square(targets).mean(axis=0))
        size = np.where(size == 0.0, 1.0, size)
        return cls(tuple(size[_TRUE_RETURNS].tolist()), tuple(size[_TRUE_RISKS].tolist()))


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
    if settings.newest_row:
        x = layers.Concatenate()([x, layers.Flatten()(layers.Cropping1D((shape[0] - 1, 0))(inputs))])
    # Softplus is never negative: the signs of drawdowns and rallies come with their scale.
    heads = ((HORIZONS, None), (HORIZONS * CLASSES, None), (len(scale.risks), "softplus"))
    # All start at zero, as in `dense_head`.
    outputs = layers.Concatenate()(
        [layers.Dense(width, activation, kernel_initializer="zeros")(x) for width, activation in heads]
    )
    drawdowns, rallies = np.split(np.array(scale.risks), 2)
    units = [*scale.returns, *[1.0] * (HORIZONS * CLASSES), *(-drawdowns).tolist(), *rallies.tolist()]
    return keras.Model(inputs, layers.Rescaling(units)(outputs), name="patchtst")


def patchtst_recipe(train: Windows, settings: PatchTSTSettings) -> Recipe:
    """Return the recipe of a network for these windows, whose targets give its scale."""
    scale = TargetScale.of(train.targets[train.ends])
    loss = MultiHorizonLoss(scale, settings.direction_weight)
    return Recipe(build_patchtst(input_shape(train), settings, scale), loss, settings.learning)


class MultiHorizonLoss(keras.losses.Loss):  # type: ignore[misc]
    """Huber losses of returns and risks in units of their scale, and the cross-entropy of the classes, summed.

    `direction_weight` times the cross-entropy of rise and fall, buy and sell without hold, is added: the others measure
    mostly how far prices move.
    """

    def __init__(self, scale: TargetScale, direction_weight: float) -> None:
        super().__init__(name="multi_horizon")
        self.scale, self.direction_weight = scale, direction_weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        returns = (y_true[:, _TRUE_RETURNS] - y_pred[:, RETURNS]) / ops.array(self.scale.returns)
        risks = (y_true[:, _TRUE_RISKS] - y_pred[:, RISKS]) / ops.array(self.scale.risks)
        classes = ops.one_hot(ops.cast(y_true[:, _TRUE_CLASSES], "int32"), CLASSES)
        logits = ops.reshape(y_pred[:, LOGITS], (-1, HORIZONS, CLASSES))
        surprise = -ops.mean(ops.sum(classes * ops.log_softmax(logits), axis=-1), axis=-1)
        sides = logits[..., TradeClass.BUY] - logits[..., TradeClass.SELL]
        rises = 0.5 + 0.5 * ops.sign(y_true[:, _TRUE_RETURNS])
        direction = ops.mean(ops.softplus(sides) - rises * sides, axis=-1)
        return _huber(returns) + surprise + _huber(risks) + self.direction_weight * direction


def _huber(errors: Any) -> Any:
    size = ops.abs(errors)
    return ops.mean(ops.where(size <= 1.0, 0.5 * ops.square(errors), size - 0.5), axis=-1)
