"""The check, at every export, that the ONNX model gives the outputs of the native model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnxruntime

from domain.arrays import RealArray
from domain.errors import ExportMismatch

LARGEST_DIFFERENCE = 1e-5


def check_parity(answer: Callable[[RealArray], RealArray], onnx: bytes, inputs: RealArray) -> float:
    """Return the largest absolute difference between the outputs of a model and of its ONNX export.

    Args:
        answer: The model in its own library: inputs in, answers out.
        onnx: The ONNX form of the model.
        inputs: Real inputs of the model, float32, one or more.

    Raises:
        ExportMismatch: the difference is 1e-5 or more, or an answer is not finite.
    """
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    (exported,) = session.run(["outputs"], {"inputs": inputs})
    difference = float(np.abs(exported - answer(inputs)).max())
    if not difference < LARGEST_DIFFERENCE:
        raise ExportMismatch(
            f"over {len(inputs)} inputs the ONNX form differs from the model by up to {difference:.3g}; "
            f"less than {LARGEST_DIFFERENCE:g} is needed"
        )
    return difference
