"""From the graphs of the converters of scikit-learn, XGBoost and LightGBM to the form that serving reads."""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

from domain.arrays import Float32Array, FloatArray
from models.export.graph import BATCH, INPUTS, IR_VERSION, OPSET, OUTPUTS


def tabular_onnx(converted: ModelProto, placement: Float32Array) -> bytes:
    """Return the model with its probabilities at their places among the outputs, and without its labels.

    Args:
        converted: From inputs called `inputs` to a label and the probabilities (n, known classes).
        placement: Zeros and ones, shape (known classes, outputs): where each probability goes.
    """
    graph = converted.graph
    probabilities = graph.output[1].name
    columns = graph.input[0].type.tensor_type.shape.dim[1].dim_value
    nodes = [*graph.node, helper.make_node("MatMul", [probabilities, "placement"], [OUTPUTS])]
    wrapped = helper.make_graph(
        nodes,
        graph.name,
        [helper.make_tensor_value_info(INPUTS, TensorProto.FLOAT, [BATCH, columns])],
        [helper.make_tensor_value_info(OUTPUTS, TensorProto.FLOAT, [BATCH, placement.shape[1]])],
        [*graph.initializer, numpy_helper.from_array(placement, "placement")],
    )
    opsets = {"": OPSET} | {opset.domain: opset.version for opset in converted.opset_import if opset.domain}
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    model = helper.make_model(wrapped, ir_version=IR_VERSION, opset_imports=imports)
    checker.check_model(model)
    return bytes(model.SerializeToString())


def single_precision(thresholds: FloatArray) -> FloatArray:
    """Return the thresholds of `value <= threshold` rounded down to float32.

    ONNX keeps them so, and rounded to the nearest some would come to lie on the other side of a value.
    Rounded down they part float32 values exactly as before.
    """
    nearest = thresholds.astype(np.float32)
    below = np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)
    return below.astype(np.float64)
