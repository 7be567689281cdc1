"""The ONNX operators of each Keras layer.

A converter takes the graph, the layer and the names of its inputs, and returns the name of its output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import keras
import numpy as np
from keras import layers

from domain.arrays import RealArray
from domain.errors import ExportMismatch
from models.export.graph import OnnxGraph
from models.export.own_layers import LearnedPositions

Converter = Callable[..., str]

_TIME_FIRST = (1, 0, 2)  # from (batch, time, width), and back
_CHANNELS_SECOND = (0, 2, 1)  # from (batch, time, channels), and back
_ACTIVATIONS: Mapping[str, tuple[str, Mapping[str, int]]] = MappingProxyType(
    {
        "relu": ("Relu", {}),
        "sigmoid": ("Sigmoid", {}),
        "tanh": ("Tanh", {}),
        "softplus": ("Softplus", {}),
        "softmax": ("Softmax", {"axis": -1}),
        "gelu": ("Gelu", {}),
    }
)


def converter_of(layer: keras.layers.Layer) -> Converter:
    """Return the converter of a layer.

    Raises:
        ExportMismatch: there is none.
    """
    for kind, converter in _CONVERTERS.items():
        if type(layer) is kind:
            return converter
    known = ", ".join(sorted(kind.__name__ for kind in _CONVERTERS))
    raise ExportMismatch(f"layer {layer.name} is a {type(layer).__name__}; there is an ONNX form of {known}")


def _require(fulfilled: bool, layer: keras.layers.Layer, needed: str) -> None:
    if not fulfilled:
        raise ExportMismatch(f"layer {layer.name} has no ONNX form here: it needs {needed}")


def _activate(graph: OnnxGraph, layer: keras.layers.Layer, x: str) -> str:
    name = layer.activation.__name__
    if name == "linear":
        return x
    _require(name in _ACTIVATIONS, layer, f"one of the activations linear, {', '.join(_ACTIVATIONS)}, not {name}")
    operator, attributes = _ACTIVATIONS[name]
    return graph.add(operator, x, **attributes)


def _dense(graph: OnnxGraph, layer: keras.layers.Dense, x: str) -> str:
    kernel, *bias = layer.get_weights()
    x = graph.add("MatMul", x, graph.constant(kernel))
    if bias:
        x = graph.add("Add", x, graph.constant(bias[0]))
    return _activate(graph, layer, x)


def _lstm(graph: OnnxGraph, layer: keras.layers.LSTM, x: str) -> str:
    kernel, recurrent, *bias = layer.get_weights()
    # Keras: input, forget, cell, output; ONNX: input, output, forget, cell.
    biases = np.stack([bias[0], np.zeros_like(bias[0])]) if bias else np.zeros((2, 4 * layer.units))
    weights = [_gates(part, 4, (0, 3, 1, 2)) for part in (kernel.T, recurrent.T, biases.T)]
    return _recurrent(graph, layer, x, weights)


def _gru(graph: OnnxGraph, layer: keras.layers.GRU, x: str) -> str:
    _require(layer.reset_after, layer, "reset_after")
    kernel, recurrent, *bias = layer.get_weights()
    # The gates stand in the same order: update, reset, candidate.
    biases = bias[0] if bias else np.zeros((2, 3 * layer.units))
    return _recurrent(graph, layer, x, [kernel.T, recurrent.T, biases.T], linear_before_reset=1)


def _gates(rows: RealArray, count: int, order: tuple[int, ...]) -> RealArray:
    return np.concatenate([np.split(rows, count)[gate] for gate in order])


def _recurrent(graph: OnnxGraph, layer: keras.layers.RNN, x: str, weights: list[RealArray], **attributes: int) -> str:
    """Add the operator named as the layer is; `weights`: input, recurrent and the two biases, gate by gate."""
    usual = (layer.activation.__name__, layer.recurrent_activation.__name__) == ("tanh", "sigmoid")
    _require(usual, layer, "activation tanh and recurrent_activation sigmoid")
    _require(not (layer.go_backwards or layer.stateful), layer, "to run forwards from a state of zeros")
    kernel, recurrent, biases = weights
    x = graph.add(
        type(layer).__name__.upper(),
        graph.add("Transpose", x, perm=_TIME_FIRST),
        graph.constant(kernel[None]),
        graph.constant(recurrent[None]),
        graph.constant(biases.T.reshape(1, -1)),
        skip_outputs=0 if layer.return_sequences else 1,
        hidden_size=layer.units,
        **attributes,
    )
    if not layer.return_sequences:
        return graph.add("Squeeze", x, graph.constant([0], np.int64))
    # (time, directions, batch, units)
    return graph.add("Transpose", graph.add("Squeeze", x, graph.constant([1], np.int64)), perm=_TIME_FIRST)


def _batch_normalization(graph: OnnxGraph, layer: keras.layers.BatchNormalization, x: str) -> str:
    _require(layer.axis in (-1, len(layer.input.shape) - 1), layer, "the last axis")
    variance = np.float64(1.0) * layer.moving_variance + layer.epsilon
    factor = (np.asarray(layer.gamma) if layer.scale else 1.0) / np.sqrt(variance)
    offset = (np.asarray(layer.beta) if layer.center else 0.0) - layer.moving_mean * factor
    return graph.add("Add", graph.add("Mul", x, graph.constant(factor)), graph.constant(offset))


def _layer_normalization(graph: OnnxGraph, layer: keras.layers.LayerNormalization, x: str) -> str:
    rank = len(layer.input.shape)
    axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    _require([axis % rank for axis in axes] == [rank - 1], layer, "the last axis")
    width = layer.input.shape[-1]
    gamma = np.asarray(layer.gamma) if layer.scale else np.ones(width)
    beta = np.asarray(layer.beta) if layer.center else np.zeros(width)
    return graph.add(
        "LayerNormalization", x, graph.constant(gamma), graph.constant(beta), axis=-1, epsilon=layer.epsilon
    )


def _self_attention(graph: OnnxGraph, layer: keras.layers.MultiHeadAttention, x: str, *others: str) -> str:
    _require(all(other == x for other in others), layer, "query, key and value to be the same")
    _require(len(layer.get_weights()) == 8 and layer.value_dim == layer.key_dim, layer, "biases and one width of heads")
    query, query_bias, key, key_bias, value, value_bias, output, output_bias = layer.get_weights()
    width, heads, head_width = query.shape
    scale = 1.0 / np.sqrt(head_width)
    kernel = np.concatenate([part.reshape(width, -1) for part in (query * scale, key, value)], axis=1)
    bias = np.concatenate([part.reshape(-1) for part in (query_bias * scale, key_bias, value_bias)])
    x = graph.add("Add", graph.add("MatMul", x, graph.constant(kernel)), graph.constant(bias))
    # (batch, positions, part * heads * head_width) -> (part, batch, heads, positions, head_width)
    x = graph.add("Reshape", x, graph.constant([0, 0, 3, heads, head_width], np.int64))
    x = graph.add("Transpose", x, perm=(2, 0, 3, 1, 4))
    queries, keys, values = (graph.add("Gather", x, graph.constant(part, np.int64), axis=0) for part in range(3))
    scores = graph.add("MatMul", queries, graph.add("Transpose", keys, perm=(0, 1, 3, 2)))
    mixed = graph.add("MatMul", graph.add("Softmax", scores, axis=-1), values)
    mixed = graph.add("Transpose", mixed, perm=(0, 2, 1, 3))
    mixed = graph.add("Reshape", mixed, graph.constant([0, 0, heads * head_width], np.int64))
    mixed = graph.add("MatMul", mixed, graph.constant(output.reshape(-1, output.shape[-1])))
    return graph.add("Add", mixed, graph.constant(output_bias))


def _convolution(graph: OnnxGraph, layer: keras.layers.Conv1D, x: str) -> str:
    plain = layer.padding == "valid" and layer.data_format == "channels_last" and layer.groups == 1
    _require(plain, layer, "padding valid, channels last and one group")
    kernel, *bias = layer.get_weights()
    (length, channels, filters), (stride,), steps = kernel.shape, layer.strides, layer.input.shape[1]
    if length % stride == steps % stride == 0 and layer.dilation_rate == (1,):
        x = _patches(graph, x, kernel.reshape(length // stride, stride * channels, filters), steps // stride)
        x = graph.add("Add", x, graph.constant(bias[0])) if bias else x
        return _activate(graph, layer, x)
    inputs = [graph.add("Transpose", x, perm=_CHANNELS_SECOND), graph.constant(kernel.transpose(2, 1, 0))]
    inputs += [graph.constant(part) for part in bias]
    x = graph.add("Conv", *inputs, strides=layer.strides, dilations=layer.dilation_rate)
    return _activate(graph, layer, graph.add("Transpose", x, perm=_CHANNELS_SECOND))


def _patches(graph: OnnxGraph, x: str, kernels: RealArray, strides: int) -> str:
    """Add a convolution whose patches are whole strides: a product per stride, twice as fast as the operator.

    Args:
        graph: Where to.
        x: (batch, time, channels).
        kernels: (strides per patch, stride * channels, filters).
        strides: Of the whole time.
    """
    per_patch, width, filters = kernels.shape
    x = graph.add("Reshape", x, graph.constant([0, strides, width], np.int64))
    x = graph.add("MatMul", x, graph.constant(np.concatenate(kernels, axis=1)))
    axes, patches = graph.constant([1, 2], np.int64), strides - per_patch + 1
    parts = [
        graph.add(
            "Slice",
            x,
            graph.constant([part, part * filters], np.int64),
            graph.constant([part + patches, (part + 1) * filters], np.int64),
            axes,
        )
        for part in range(per_patch)
    ]
    return graph.add("Sum", *parts)


def _average(graph: OnnxGraph, layer: keras.layers.GlobalAveragePooling1D, x: str) -> str:
    _require(layer.data_format == "channels_last", layer, "channels last")
    return graph.add("ReduceMean", x, graph.constant([1], np.int64), keepdims=int(layer.keepdims))


def _cropping(graph: OnnxGraph, layer: layers.Cropping1D, x: str) -> str:
    first, last = layer.cropping
    # Starts, ends and axes.
    borders = ([first], [layer.input.shape[1] - last], [1])
    return graph.add("Slice", x, *(graph.constant(border, np.int64) for border in borders))


def _rescaling(graph: OnnxGraph, layer: keras.layers.Rescaling, x: str) -> str:
    return graph.add("Add", graph.add("Mul", x, graph.constant(layer.scale)), graph.constant(layer.offset))


_CONVERTERS: Mapping[type[keras.layers.Layer], Converter] = MappingProxyType(
    {
        layers.Dense: _dense,
        layers.LSTM: _lstm,
        layers.GRU: _gru,
        layers.BatchNormalization: _batch_normalization,
        layers.LayerNormalization: _layer_normalization,
        layers.MultiHeadAttention: _self_attention,
        layers.Conv1D: _convolution,
        layers.GlobalAveragePooling1D: _average,
        layers.Cropping1D: _cropping,
        layers.Rescaling: _rescaling,
        LearnedPositions: lambda graph, layer, x: graph.add("Add", x, graph.constant(layer.get_weights()[0])),
        layers.Activation: _activate,
        layers.Add: lambda graph, _layer, *inputs: graph.add("Sum", *inputs),
        layers.Concatenate: lambda graph, layer, *inputs: graph.add("Concat", *inputs, axis=layer.axis),
        layers.Flatten: lambda graph, _layer, x: graph.add("Flatten", x, axis=1),
        layers.Dropout: lambda _graph, _layer, x: x,
    }
)
