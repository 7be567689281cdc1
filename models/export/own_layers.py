"""Keras layers of this project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

Tensor = Any  # a symbolic tensor of Keras, which has no types


@keras.saving.register_keras_serializable("trading")
class LearnedPositions(layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Adds a learned vector to each position; without it attention cannot see the order of candles.

    (batch, positions, width) -> the same shape.

    Source: the learned variant in Vaswani et al., Attention Is All You Need (2017), section 3.5.
    """

    def build(self, input_shape: Sequence[int]) -> None:
        self.positions = self.add_weight(shape=tuple(input_shape[1:]), initializer="random_normal", name="positions")

    def call(self, inputs: Tensor) -> Tensor:
        return inputs + self.positions
