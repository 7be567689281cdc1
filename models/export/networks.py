"""Keras networks as ONNX: every layer becomes the operators that compute it.

Keras' own exporter leaves the GRU as a loop, 18 times slower than the operator, and writes an
invalid graph for exact GELU while reporting success.
"""

from __future__ import annotations

import keras

from domain.errors import ExportMismatch
from models.export.converters import converter_of
from models.export.graph import INPUTS, OnnxGraph


def network_to_onnx(model: keras.Model) -> bytes:
    """Return a functional or sequential network of one input and one output, weights included.

    Raises:
        ExportMismatch: a layer, or an option of it, that has no ONNX form here.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ExportMismatch(
            f"only networks of one input and one output are exported; {model.name} has "
            f"{len(model.inputs)} and {len(model.outputs)}"
        )
    graph = OnnxGraph()
    walk = _sequential if isinstance(model, keras.Sequential) else _functional
    output = walk(model, graph)
    exported = graph.model(model.name, model.input_shape[1:], output, int(model.output_shape[-1]))
    return bytes(exported.SerializeToString())


def _sequential(model: keras.Sequential, graph: OnnxGraph) -> str:
    name = INPUTS
    for layer in model.layers:
        name = converter_of(layer)(graph, layer, name)
    return name


def _functional(model: keras.Model, graph: OnnxGraph) -> str:
    names = {id(model.inputs[0]): INPUTS}
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        inputs = [id(tensor) for tensor in (layer.input if isinstance(layer.input, list) else [layer.input])]
        if not names.keys() >= set(inputs):
            raise ExportMismatch(f"the layer {layer.name} is used in more than one place, which has no ONNX form here")
        names[id(layer.output)] = converter_of(layer)(graph, layer, *(names[tensor] for tensor in inputs))
    return names[id(model.outputs[0])]
