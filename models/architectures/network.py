"""A trained Keras network as a `FittedModel`, and how its files are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

import models.export.own_layers  # noqa: F401 - registers the layers that files name
from config.model_settings import NativeFormat
from domain.arrays import RealArray
from domain.errors import InvalidModelFile
from models.architectures.fitted import EpochProgress, require_shape
from models.export.networks import network_to_onnx

_ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class Network:
    """A `FittedModel` of Keras."""

    model: keras.Model
    history: tuple[EpochProgress, ...]
    native_format: NativeFormat

    @property
    def parameters(self) -> int:
        return int(self.model.count_params())

    def raw(self, inputs: RealArray) -> RealArray:
        require_shape(inputs, self.model.input_shape[1:])
        answers = self.model.predict(inputs, batch_size=_ROWS_AT_ONCE, verbose=0)
        return np.asarray(answers, dtype=np.float32)

    def onnx(self) -> bytes:
        return network_to_onnx(self.model)

    def gains(self) -> None:
        """Return None: a network does not split."""

    def explanation(self) -> None:
        """Return None: nothing splits the answer of a network yet."""

    def save(self, folder: Path, stem: str) -> str:
        name = f"{stem}.{self.native_format}"
        self.model.save(folder / name)
        return name


def load_keras(path: Path) -> keras.Model:
    """Return the network of a `.keras` or `.h5` file, uncompiled. Call `use_backend` before importing this module.

    Files that carry code (Lambda layers) are refused.

    Args:
        path: The file; its suffix names the format.

    Raises:
        InvalidModelFile: damaged, of another format, or with layers that are unknown or carry code.
    """
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # those of Keras, its backends, HDF5 and zip files share no base
        reason = str(error).partition("\n")[0]
        raise InvalidModelFile(f"{path.name} is not a Keras model that can be loaded: {reason}") from error
