"""Building an ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

OPSET = 20  # the first with Gelu
IR_VERSION = 10  # read by the runtimes of recent years
INPUTS, OUTPUTS = "inputs", "outputs"
BATCH = "batch"


class OnnxGraph:
    """Nodes and constants with unique names; numbers are float32 unless stated."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, values: ArrayLike, dtype: type[np.generic] = np.float32) -> str:
        """Add an array and return its name."""
        name = f"constant_{len(self.constants)}"
        array = np.asarray(values).astype(dtype, order="C")
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def add(self, operator: str, *inputs: str, skip_outputs: int = 0, **attributes: Any) -> str:
        """Add a node and return the name of its first output that is not skipped."""
        name = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [""] * skip_outputs + [name], name, **attributes))
        return name

    def model(self, name: str, input_shape: Sequence[int], output: str, outputs: int) -> ModelProto:
        """Return the checked model from `inputs` (batch, *input_shape) to `output`, now `outputs` (batch, outputs)."""
        self.nodes.append(helper.make_node("Identity", [output], [OUTPUTS]))
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info(INPUTS, TensorProto.FLOAT, [BATCH, *input_shape])],
            [helper.make_tensor_value_info(OUTPUTS, TensorProto.FLOAT, [BATCH, outputs])],
            self.constants,
        )
        model = helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)])
        checker.check_model(model, full_check=True)
        return model
