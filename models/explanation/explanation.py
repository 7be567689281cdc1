"""How a version explains its answers, as a file beside its graph."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Protocol

import numpy as np

from domain.arrays import FloatArray, RealArray
from domain.errors import ModelCorrupt
from models.explanation.linear import LinearTerms
from models.explanation.tree_paths import TreePaths

EXPLANATION_FILE = "explanation.npz"


class Explanation(Protocol):
    """Splits the log odds of a rise, before calibration, into shares of the inputs."""

    @property
    def columns(self) -> int:
        """Number of inputs."""

    def arrays(self) -> Mapping[str, RealArray]:
        """Return what it consists of."""

    def contributions(self, row: RealArray) -> FloatArray:
        """Return what each input adds to the log odds of a rise, shape (columns,).

        Args:
            row: Inputs of the model, float32, finite, shape (columns,).
        """


def dump_explanation(explanation: Explanation) -> bytes:
    """Return the content of the file."""
    content = io.BytesIO()
    np.savez_compressed(content, **explanation.arrays())
    return content.getvalue()


def load_explanation(content: bytes, columns: int) -> Explanation:
    """Return what `dump_explanation` wrote.

    Args:
        content: Of the file.
        columns: Inputs of the model.

    Raises:
        ModelCorrupt: it is another file, or of another number of inputs.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        kind = LinearTerms if "coefficients" in arrays else TreePaths
        explanation: Explanation = kind(**arrays)
    except (ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ModelCorrupt(f"{EXPLANATION_FILE} cannot be read: {error}") from error
    if explanation.columns != columns:
        raise ModelCorrupt(f"{EXPLANATION_FILE} explains {explanation.columns} inputs, and the model has {columns}")
    return explanation
