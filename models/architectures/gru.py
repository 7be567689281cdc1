"""The stacked GRU."""

from __future__ import annotations

import keras

from config.model_settings import RecurrentSettings
from models.architectures.blocks import dense_head, recurrent_stack


def build_gru(input_shape: tuple[int, int], settings: RecurrentSettings) -> keras.Model:
    """Return the uncompiled network: windows (sequence_length, features) -> probability that the price rises."""
    inputs = keras.Input(input_shape)
    x = recurrent_stack(inputs, keras.layers.GRU, settings.units, settings.dropout)
    dropouts = (settings.dense_dropout,) * len(settings.dense_units)
    return keras.Model(inputs, dense_head(x, settings.dense_units, dropouts), name="gru")
