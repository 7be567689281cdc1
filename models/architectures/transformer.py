"""The Transformer encoder."""

from __future__ import annotations

import keras
from keras import layers

from config.network_settings import TransformerSettings
from features.datasets.windows import Windows
from models.architectures.blocks import dense_layers, encoder_block, probability
from models.architectures.recipe import Recipe, probability_recipe
from models.export.own_layers import LearnedPositions


def build_transformer(input_shape: tuple[int, int], settings: TransformerSettings, windows: int) -> keras.Model:
    """Return the uncompiled network: windows (sequence_length, features) -> probability that the price rises.

    `windows` is the number of those to learn from.
    """
    inputs = keras.Input(input_shape)
    x = LearnedPositions()(layers.Dense(settings.width)(inputs))
    for _ in range(settings.blocks):
        x = encoder_block(x, settings.heads, settings.head_width, settings.feed_forward_width, settings.dropout)
    if settings.pooling == "last":
        x = layers.Flatten()(layers.Cropping1D((input_shape[0] - 1, 0))(x))
    else:
        x = layers.GlobalAveragePooling1D()(x)
    x = dense_layers(x, settings.dense_units, settings.batch_normalization, settings.dense_dropouts)
    if settings.encoder_scale < 1.0:
        x = layers.Rescaling(settings.encoder_scale)(x)
    return keras.Model(inputs, probability(inputs, x, settings, windows), name="transformer")


def transformer_recipe(train: Windows, settings: TransformerSettings) -> Recipe:
    """Return the recipe of a network for these windows."""
    return probability_recipe(build_transformer, train, settings)
