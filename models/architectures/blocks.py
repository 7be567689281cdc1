"""Blocks that networks have in common."""

from __future__ import annotations

from collections.abc import Sequence

from keras import layers

from models.export.own_layers import Tensor


def recurrent_stack(
    inputs: Tensor, cell: type[layers.Layer], units: Sequence[int], batch_normalization: bool, dropout: float
) -> Tensor:
    """Return the last state of stacked recurrent layers, each with batch normalization, where wanted, and dropout.

    (batch, time, features) -> (batch, units[-1]).
    """
    x = inputs
    for depth, width in enumerate(units, start=1):
        x = cell(width, return_sequences=depth < len(units))(x)
        if batch_normalization:
            x = layers.BatchNormalization()(x)
        x = layers.Dropout(dropout)(x)
    return x


def dense_head(x: Tensor, units: Sequence[int], batch_normalization: bool, dropouts: Sequence[float]) -> Tensor:
    """Return a probability, shape (batch, 1), after dense layers normalized as those of `recurrent_stack`.

    It starts at 0.5 for every window: where there is little to learn, unlearning random first answers
    takes longer than learning it.
    """
    for width, dropout in zip(units, dropouts, strict=True):
        x = layers.Dense(width, activation="relu")(x)
        if batch_normalization:
            x = layers.BatchNormalization()(x)
        x = layers.Dropout(dropout)(x)
    return layers.Dense(1, activation="sigmoid", kernel_initializer="zeros")(x)


def encoder_block(x: Tensor, heads: int, head_width: int, feed_forward_width: int, dropout: float) -> Tensor:
    """Return a Transformer encoder block of (batch, positions, width), the same shape.

    Source: Vaswani et al., Attention Is All You Need (2017), figure 1: normalization after each sum.
    """
    attended = layers.MultiHeadAttention(heads, head_width, dropout=dropout)(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, layers.Dropout(dropout)(attended)]))
    fed = layers.Dense(feed_forward_width, activation="relu")(x)
    fed = layers.Dense(x.shape[-1])(fed)
    return layers.LayerNormalization()(layers.Add()([x, layers.Dropout(dropout)(fed)]))
