"""The stacked LSTM."""

from __future__ import annotations

import keras

from config.network_settings import RecurrentSettings
from features.datasets.windows import Windows
from models.architectures.blocks import dense_layers, probability, recurrent_stack
from models.architectures.recipe import Recipe, probability_recipe


def build_lstm(input_shape: tuple[int, int], settings: RecurrentSettings, windows: int) -> keras.Model:
    """Return the uncompiled network: windows (sequence_length, features) -> probability that the price rises.

    `windows` is the number of those to learn from.
    """
    inputs = keras.Input(input_shape)
    normalized, dropouts = settings.batch_normalization, (settings.dense_dropout,) * len(settings.dense_units)
    x = recurrent_stack(inputs, keras.layers.LSTM, settings.units, normalized, settings.dropout)
    x = dense_layers(x, settings.dense_units, normalized, dropouts)
    return keras.Model(inputs, probability(inputs, x, settings, windows), name="lstm")


def lstm_recipe(train: Windows, settings: RecurrentSettings) -> Recipe:
    """Return the recipe of a network for these windows."""
    return probability_recipe(build_lstm, train, settings)
