"""The backend of Keras and its number of threads, set before Keras is imported."""

from __future__ import annotations

import os
import sys

from config.model_settings import TrainingSettings
from domain.errors import ConfigurationError


def use_backend(settings: TrainingSettings) -> None:
    """Set the environment that Keras, TensorFlow and JAX read once, when they are first imported.

    Raises:
        ConfigurationError: this process has already imported Keras with another backend.
    """
    loaded = sys.modules.get("keras")
    if loaded is not None:
        active = loaded.config.backend()
        if active != settings.keras_backend:
            raise ConfigurationError(
                f"models.training.keras_backend is {settings.keras_backend}, but this process already runs Keras "
                f"on {active}; train in a process of its own"
            )
        return
    threads = str(settings.threads)
    os.environ.update(
        KERAS_BACKEND=settings.keras_backend,
        TF_CPP_MIN_LOG_LEVEL="3",
        OMP_NUM_THREADS=threads,
        TF_NUM_INTRAOP_THREADS=threads,
        TF_NUM_INTEROP_THREADS=threads,
        JAX_PLATFORMS="cpu",
        NPROC=threads,  # the size of XLA's thread pool
    )
