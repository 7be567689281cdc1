"""The training loop of all networks: compile, fit with early stopping, report, keep the best epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

import keras
import numpy as np

from config.model_settings import TrainingSettings
from config.network_settings import LearningSettings
from domain.arrays import RealArray
from domain.errors import TrainingFailed
from features.datasets.windows import Windows
from models.architectures.fitted import EpochProgress, LearningData, Report
from models.architectures.network import Network
from models.architectures.recipe import Recipe
from models.training.learning_rate import learning_rate

_VALIDATION_BATCH = 512


def fit_network(
    make_recipe: Callable[[], Recipe], data: LearningData, training: TrainingSettings, report: Report
) -> Network:
    """Train a network from a seeded start; see `models.training.fitting.fit`.

    Learning stops early when the validation loss no longer falls, and the best epoch's weights are kept. How far it
    moves at each update says `models.training.learning_rate`.

    Args:
        make_recipe: Builds the network; called once the start is seeded.
        data: Windows to learn from, and windows for early stopping.
        training: Seed, batch size, learning rate and backend.
        report: Called after every epoch.

    Raises:
        TrainingFailed: losses or weights are no longer finite.
    """
    keras.utils.set_random_seed(training.seed)
    recipe = make_recipe()
    progress = _Progress(recipe.learning.epochs, report)
    batches = _ShuffledBatches(data.train, training.batch_size, training.seed)
    _compile(recipe, training, recipe.learning.epochs * len(batches))
    recipe.model.fit(
        batches,
        validation_data=_Batches(data.validation, _VALIDATION_BATCH),
        epochs=recipe.learning.epochs,
        callbacks=[progress, *_stops(recipe.learning)],
        verbose=0,
        shuffle=False,
    )
    # A copy without the optimizer, whose state would triple the file.
    trained = keras.Model.from_config(recipe.model.get_config())
    trained.set_weights(recipe.model.get_weights())
    return Network(trained, tuple(progress.history), training.native_format)


def _compile(recipe: Recipe, training: TrainingSettings, updates: int) -> None:
    # XLA makes recurrent layers slower under TensorFlow; JAX cannot do without.
    compiled = training.keras_backend == "jax"
    optimizer = keras.optimizers.Adam(learning_rate(recipe.learning, training, updates))
    recipe.model.compile(optimizer, recipe.loss, jit_compile=compiled)
    # Variables that a step makes while it is traced have TensorFlow trace it again: seconds of each fit.
    optimizer.build(recipe.model.trainable_variables)


def _stops(learning: LearningSettings) -> list[keras.callbacks.Callback]:
    early = keras.callbacks.EarlyStopping("val_loss", patience=learning.patience_epochs, restore_best_weights=True)
    if learning.schedule != "plateau":
        return [early]
    factor, patience = learning.rate_factor, learning.rate_patience_epochs
    return [early, keras.callbacks.ReduceLROnPlateau("val_loss", factor=factor, patience=patience)]


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """Windows in the order of time, gathered a batch at a time."""

    def __init__(self, windows: Windows, size: int) -> None:
        super().__init__()
        self.windows, self.size = windows, size
        self.order = np.arange(len(windows))

    def __len__(self) -> int:
        return math.ceil(len(self.windows) / self.size)

    def __getitem__(self, index: int) -> tuple[RealArray, RealArray]:
        inputs, targets = self.windows.batch(self.order[index * self.size : (index + 1) * self.size])
        return inputs, targets.reshape(len(targets), -1).astype(np.float32)


class _ShuffledBatches(_Batches):
    """Windows in a new seeded order every epoch.

    All batches are full; the windows left over are left out of the epoch, since the statistics of batch
    normalization over a few windows would be noise.
    """

    def __init__(self, windows: Windows, size: int, seed: int) -> None:
        super().__init__(windows, min(size, len(windows)))
        self.rng = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self) -> int:
        return len(self.windows) // self.size

    def on_epoch_end(self) -> None:
        self.order = self.rng.permutation(len(self.windows))


class _Progress(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Reports every epoch, and stops a training that diverges."""

    def __init__(self, epochs: int, report: Report) -> None:
        super().__init__()
        self.epochs, self.report = epochs, report
        self.history: list[EpochProgress] = []
        self.started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        done, loss, validation_loss = epoch + 1, float(logs["loss"]), float(logs["val_loss"])
        # Clipping within a loss can turn NaN into a number, so the weights are looked at as well.
        finite = all(np.isfinite(weights).all() for weights in self.model.get_weights())
        if not (finite and math.isfinite(loss + validation_loss)):
            raise TrainingFailed(
                f"training has diverged in epoch {done}: loss {loss:g}, validation loss {validation_loss:g}, "
                f"weights {'finite' if finite else 'not finite'}. Features and targets need to be finite; "
                "a smaller learning rate may help (models.training.learning_rate, or the network's own learning.rate)"
            )
        seconds_left = (time.monotonic() - self.started) / done * (self.epochs - done)
        # With plateaus it is reduced after this callback; with a schedule it is that of the end of the epoch.
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        self.history.append(EpochProgress(done, self.epochs, loss, validation_loss, seconds_left, rate))
        self.report(self.history[-1])
