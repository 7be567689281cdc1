"""Fit an architecture on windows."""

from __future__ import annotations

from functools import partial

from config.model_settings import ModelSettings
from models.architectures.catalogue import Architecture
from models.architectures.fitted import FittedModel, LearningData, LearnsOnAll, Report
from models.training.backend import use_backend


def fit(architecture: Architecture, data: LearningData, settings: ModelSettings, report: Report) -> FittedModel:
    """Train a model; the same data, settings and seed give the same model. Blocks until it is trained.

    The library is imported when it is first needed: TensorFlow alone takes seconds and 690 MB.

    Args:
        architecture: What to train.
        data: Scaled windows whose targets are of the architecture's kind.
        settings: Sizes, learning, seed, threads.
        report: Called after every epoch of a network; never by other libraries.

    Raises:
        TrainingFailed: losses or weights are not finite, or the targets are all alike.
        ConfigurationError: this process runs Keras on another backend than the settings name.
    """
    own, training = architecture.settings(settings), settings.training
    if architecture.is_network:
        use_backend(training)
        from models.training.network_training import fit_network

        return fit_network(partial(architecture.load(), data.train, own), data, training, report)
    model: FittedModel = architecture.load()(data, own, training)
    return model


def on_all(architecture: Architecture, model: FittedModel, data: LearningData, settings: ModelSettings) -> FittedModel:
    """Return the model that serves: trained on the validation windows too where its kind does so, else the same.

    Args:
        architecture: Its own.
        model: As `fit` returned it, which alone may answer for the validation windows.
        data: What it was fitted with.
        settings: As of `fit`.
    """
    if not isinstance(model, LearnsOnAll):
        return model
    return model.on_all(data, architecture.settings(settings), settings.training)
