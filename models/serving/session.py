"""The graph of a version in ONNX Runtime."""

from __future__ import annotations

from typing import Any

from domain.errors import ModelCorrupt
from models.architectures.outputs import OUTPUTS
from models.architectures.summary import input_shape
from models.registry.artifacts import StoredVersion
from models.registry.metadata import MODEL_FILE, Graph


def open_session(stored: StoredVersion, graph: Graph) -> Any:
    """Return a session of the runtime over the graph of a version.

    Raises:
        ModelCorrupt: the file is not the one that was written, or does not fit the metadata.
    """
    import onnxruntime  # 40 MB that a service without models does not need

    options = onnxruntime.SessionOptions()
    # Requests run concurrently; more threads for each would only compete for the cores.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    version, content = stored.metadata.version, stored.read(MODEL_FILE)
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's own errors share no base
        raise ModelCorrupt(f"{version}: {MODEL_FILE} cannot be loaded: {error}") from error
    shape = input_shape(graph.inputs, graph.sequence_length, len(graph.columns))
    _require_shape(version, "inputs", session.get_inputs(), list(shape))
    _require_shape(version, "outputs", session.get_outputs(), [OUTPUTS[graph.outputs]])
    return session


def _require_shape(version: str, name: str, found: list[Any], shape: list[int]) -> None:
    """Refuse a shape other than that of the metadata; the batch size must be free."""
    needed = f"one float {name} of shape (batch, {', '.join(map(str, shape))})"
    if [(tensor.name, tensor.type) for tensor in found] != [(name, "tensor(float)")]:
        described = ", ".join(f"{tensor.name} {tensor.type}" for tensor in found)
        raise ModelCorrupt(f"{version}: {MODEL_FILE} needs {needed}, and has {described}")
    batch, *rest = found[0].shape
    if isinstance(batch, int) or rest != shape:
        raise ModelCorrupt(f"{version}: {MODEL_FILE} needs {needed}, and has shape {found[0].shape}")
