"""Blocks that networks have in common."""

from __future__ import annotations

from collections.abc import Sequence

from keras import layers, regularizers

from config.network_settings import HeadSettings
from models.architectures.fitted import chance_slope
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


def dense_layers(x: Tensor, units: Sequence[int], batch_normalization: bool, dropouts: Sequence[float]) -> Tensor:
    """Return (batch, units[-1]) after dense layers normalized as those of `recurrent_stack`."""
    for width, dropout in zip(units, dropouts, strict=True):
        x = layers.Dense(width, activation="relu")(x)
        if batch_normalization:
            x = layers.BatchNormalization()(x)
        x = layers.Dropout(dropout)(x)
    return x


def probability(inputs: Tensor, x: Tensor, settings: HeadSettings, windows: int) -> Tensor:
    """Return a probability, shape (batch, 1), of what the network made of its inputs.

    It starts at 0.5 for every window: where there is little to learn, unlearning random first answers
    takes longer than learning it.

    Args:
        inputs: (batch, time, features).
        x: (batch, width).
        settings: Of the network.
        windows: For training, >= 1.
    """
    x = read_by_answers(inputs, x, settings)
    penalty = few_coefficients(settings.head_penalty, x.shape[-1], windows)
    return layers.Dense(1, activation="sigmoid", kernel_initializer="zeros", kernel_regularizer=penalty)(x)


def read_by_answers(inputs: Tensor, x: Tensor, settings: HeadSettings) -> Tensor:
    """Return what the last layers read, (batch, width): `x`, and the newest row of the inputs where wanted.

    Source: Lai et al., Modeling Long- and Short-Term Temporal Patterns with Deep Neural Networks (2018): a linear part
    beside the network.
    """
    if not settings.newest_row:
        return x
    newest = layers.Flatten()(layers.Cropping1D((inputs.shape[1] - 1, 0))(inputs))
    return layers.Concatenate()([x, newest])


def few_coefficients(penalty: float, inputs: int, labels: float) -> regularizers.L1 | None:
    """Return the L1 penalty of a linear layer, a multiple of the slope of a loss that can be chance; None for 0.

    Args:
        penalty: That multiple, >= 0.
        inputs: Of the layer, >= 1.
        labels: That do not overlap, > 0.
    """
    return regularizers.L1(penalty * chance_slope(inputs, labels)) if penalty else None


def encoder_block(x: Tensor, heads: int, head_width: int, feed_forward_width: int, dropout: float) -> Tensor:
    """Return a Transformer encoder block of (batch, positions, width), the same shape.

    Source: Vaswani et al., Attention Is All You Need (2017), figure 1: normalization after each sum.
    """
    attended = layers.MultiHeadAttention(heads, head_width, dropout=dropout)(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, layers.Dropout(dropout)(attended)]))
    fed = layers.Dense(feed_forward_width, activation="relu")(x)
    fed = layers.Dense(x.shape[-1])(fed)
    return layers.LayerNormalization()(layers.Add()([x, layers.Dropout(dropout)(fed)]))
