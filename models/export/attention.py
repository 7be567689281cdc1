"""The attention weights within an exported Transformer: the outputs of its softmax nodes."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime

from domain.arrays import FloatArray, RealArray
from models.export.graph import INPUTS


def attention_weights(graph: bytes, inputs: RealArray) -> list[FloatArray]:
    """Return the attention weights of every block, the first block first, each (n, heads, positions, positions).

    The weights of a position over all positions add up to 1.

    Args:
        graph: An exported network of windows.
        inputs: n windows as the graph reads them, float32.
    """
    model = onnx.load_model_from_string(graph)
    names = [node.output[0] for node in model.graph.node if node.op_type == "Softmax"]
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return [np.asarray(weights, np.float64) for weights in session.run(names, {INPUTS: inputs})] if names else []
