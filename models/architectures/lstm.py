"""The stacked LSTM."""

from __future__ import annotations

import keras

from config.model_settings import RecurrentSettings
from features.datasets.windows import Windows
from models.architectures.blocks import dense_head, recurrent_stack
from models.architectures.recipe import Recipe, probability_recipe


def build_lstm(input_shape: tuple[int, int], settings: RecurrentSettings) -> keras.Model:
    """Return the uncompiled network: windows (sequence_length, features) -> probability that the price rises."""
    inputs = keras.Input(input_shape)
    normalized, dropouts = settings.batch_normalization, (settings.dense_dropout,) * len(settings.dense_units)
    x = recurrent_stack(inputs, keras.layers.LSTM, settings.units, normalized, settings.dropout)
    return keras.Model(inputs, dense_head(x, settings.dense_units, normalized, dropouts), name="lstm")


def lstm_recipe(train: Windows, settings: RecurrentSettings) -> Recipe:
    """Return the recipe of a network for these windows."""
    return probability_recipe(build_lstm, train, settings)
