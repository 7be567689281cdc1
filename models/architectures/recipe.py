"""The recipe of a network, which the training loop follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import keras

from config.network_settings import LearningSettings
from features.datasets.windows import Windows


@dataclass(frozen=True)
class Recipe:
    """A new, uncompiled network, the loss to minimize, and for how long it learns."""

    model: keras.Model
    loss: keras.losses.Loss
    learning: LearningSettings


class NetworkSettings(Protocol):
    """A section of the settings of a network."""

    @property
    def learning(self) -> LearningSettings: ...


S = TypeVar("S", bound=NetworkSettings)


def input_shape(train: Windows) -> tuple[int, int]:
    """Return (sequence_length, features) of the windows."""
    return train.sequence_length, train.rows.shape[1]


def probability_recipe(build: Callable[[tuple[int, int], S, int], keras.Model], train: Windows, settings: S) -> Recipe:
    """Return the recipe of a network with one output, the probability of a rise, learned by cross-entropy.

    Args:
        build: Input shape, settings and number of windows in, uncompiled network out.
        train: Windows, which give the shape of the inputs.
        settings: Of the network.
    """
    return Recipe(build(input_shape(train), settings, len(train)), keras.losses.BinaryCrossentropy(), settings.learning)
