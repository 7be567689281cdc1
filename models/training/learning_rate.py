"""How far a network moves at each update: a rate that follows the planned updates, or the plateaus of the loss."""

from __future__ import annotations

import math

import keras

from config.model_settings import TrainingSettings
from config.network_settings import LearningSettings

# Shares of the highest rate that the first and the last update have.
START_SHARE, END_SHARE = 0.01, 0.01


def highest_rate(learning: LearningSettings, training: TrainingSettings, updates: int) -> float:
    """Return the highest learning rate of a training.

    With the schedule `cosine` it falls with the square root of the updates above `rate_updates`: as noise adds up with
    the root of their number, longer trainings need no larger steps, and recurrent networks collapse to a constant in
    steps that a short training cannot do without.

    Args:
        learning: Of the network.
        training: Its rate counts where the network has none of its own.
        updates: Planned, >= 1.
    """
    rate = learning.rate or training.learning_rate
    if learning.rate_updates is None or learning.schedule != "cosine":
        return rate
    return rate * min(1.0, math.sqrt(learning.rate_updates / updates))


def learning_rate(
    learning: LearningSettings, training: TrainingSettings, updates: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate of a training: its first one, or of the schedule `cosine` that of every update.

    There it rises in a straight line from nearly zero to the highest, and follows half a cosine down to nearly zero.

    Source: Loshchilov and Hutter, SGDR (2017); Goyal et al., Accurate, Large Minibatch SGD (2017) for the warm-up.
    """
    highest = highest_rate(learning, training, updates)
    if learning.schedule != "cosine" or learning.warm_up_share is None:
        return highest
    warm_up = min(max(1, round(learning.warm_up_share * updates)), max(1, updates - 1))
    return keras.optimizers.schedules.CosineDecay(
        START_SHARE * highest,
        decay_steps=max(1, updates - warm_up),
        alpha=END_SHARE,
        warmup_target=highest,
        warmup_steps=warm_up,
    )
