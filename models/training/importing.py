"""Import of a Keras file that was trained elsewhere: loaded without code, checked, exported, registered unscored."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from pathlib import Path

import numpy as np

from config.files import read_at_most
from config.model_settings import ModelSettings
from config.settings import FeatureSettings
from domain.arrays import RealArray
from domain.errors import InvalidModelFile, InvalidRequest
from domain.forecasting import ModelType
from features.columns.feature_sets import FEATURE_SETS, FeatureSet
from features.datasets.scaling import Scaler
from models.architectures.catalogue import ARCHITECTURES, Architecture
from models.architectures.outputs import OUTPUTS
from models.evaluation.calibration import Calibration
from models.export.parity import check_parity
from models.registry.metadata import MODEL_FILE, SCALER_FILE, ModelMetadata
from models.registry.registry import Registry
from models.registry.version_names import version_name
from models.training.backend import use_backend
from models.training.registration import NATIVE_STEM, graph_of, libraries
from models.training.training_run import TrainingRequest

SUFFIXES = (".h5", ".keras")
# Scaled features are about standard normal; the export is compared on such numbers.
PARITY_WINDOWS = 200
MAX_BYTES = 512 * 1024 * 1024
MAX_SCALER_BYTES = 1024 * 1024


def import_network(
    registry: Registry,
    file: Path,
    scaler_file: Path,
    request: TrainingRequest,
    models: ModelSettings,
    features: FeatureSettings,
    now: datetime,
) -> ModelMetadata:
    """Register a trained Keras network without scores: only force promotes it.

    Args:
        registry: Where it is registered.
        file: `.h5` or `.keras`; a file with code in it (Lambda layers) is refused.
        scaler_file: JSON of the `Scaler` that its inputs were scaled with.
        request: Type, symbol and timeframe; the type gives the feature set and the outputs.
        models: Window length of PatchTST, horizons, Keras backend.
        features: Window length of the others, and the horizon that is forecast.
        now: Gives the version its name.

    Raises:
        InvalidRequest: no network has that type, or a file cannot be read.
        InvalidModelFile: not a network, unsafe, or of other inputs or outputs than the type has.
        FeatureMismatch: the scaler is not of the feature set.
        ExportMismatch: a layer has no ONNX form, or the answers of the ONNX form differ.
    """
    architecture = _architecture(request.kind)
    feature_set = FEATURE_SETS[architecture.feature_set]
    content = _content(file)
    scaler = _scaler(scaler_file, feature_set)
    length = architecture.sequence_length(models, features)
    use_backend(models.training)
    from models.architectures.network import Network, load_keras

    model = load_keras(file)
    shapes = model.input_shape, model.output_shape
    _check_shapes(file, architecture, shapes, length, len(feature_set.columns))
    network = Network(model, (), models.training.native_format)
    inputs = np.random.default_rng(0).normal(size=(PARITY_WINDOWS, length, len(feature_set.columns)))
    graph = network.onnx()
    check_parity(network.raw, graph, inputs.astype(np.float32))
    _check_answers(file, architecture, network.raw(inputs.astype(np.float32)))
    metadata = ModelMetadata(
        version=version_name(request.kind, now),
        type=request.kind,
        symbol=request.symbol,
        timeframe=request.timeframe,
        created_at=now,
        horizon_candles=features.horizon_candles,
        graph=graph_of(architecture, feature_set, length, models.patchtst.horizons_candles, Calibration()),
        settings={"imported": {"file": file.name, "sha256": sha256(content).hexdigest()}},
        libraries=libraries(),
        parameters=network.parameters,
    )

    def write(folder: Path) -> None:
        (folder / MODEL_FILE).write_bytes(graph)
        (folder / SCALER_FILE).write_text(scaler.to_json(), encoding="utf-8")
        network.save(folder, NATIVE_STEM)

    return registry.add(metadata, write)


def _architecture(kind: ModelType) -> Architecture:
    networks = {row.kind: row for row in ARCHITECTURES.values() if row.is_network}
    if kind not in networks:
        raise InvalidRequest(f"a Keras file holds one of {', '.join(networks)}, not {kind}")
    return networks[kind]


def _content(file: Path) -> bytes:
    if file.suffix not in SUFFIXES:
        raise InvalidRequest(f"{file.name}: networks are imported from {' or '.join(SUFFIXES)} files")
    try:
        return read_at_most(file, MAX_BYTES)
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror or error}") from error


def _scaler(file: Path, feature_set: FeatureSet) -> Scaler:
    try:
        text = read_at_most(file, MAX_SCALER_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    scaler = Scaler.from_json(text)
    scaler.require([column.name for column in feature_set.columns])
    if scaler.feature_set_id != feature_set.id:
        raise InvalidModelFile(
            f"{file.name} belongs to the feature set {scaler.feature_set_id}; "
            f"this release computes {feature_set.name} {feature_set.id}"
        )
    return scaler


def _check_shapes(
    file: Path, architecture: Architecture, shapes: tuple[object, object], length: int, columns: int
) -> None:
    """Refuse other shapes than (batch, rows, columns) in and (batch, outputs) out."""
    needed_outputs = OUTPUTS[architecture.outputs]
    if shapes != ((None, length, columns), (None, needed_outputs)):
        raise InvalidModelFile(
            f"{file.name} takes {shapes[0]} and gives {shapes[1]}; a {architecture.kind} takes "
            f"(None, {length}, {columns}), {length} rows of the {columns} columns of the feature set "
            f"{architecture.feature_set}, and gives (None, {needed_outputs})"
        )


def _check_answers(file: Path, architecture: Architecture, answers: RealArray) -> None:
    if architecture.outputs == "probability" and not ((answers >= 0.0) & (answers <= 1.0)).all():
        raise InvalidModelFile(
            f"{file.name} answers from {answers.min():.3g} to {answers.max():.3g}: probabilities of a rise, 0 to 1, "
            "are needed"
        )
