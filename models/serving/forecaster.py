"""One version in memory: rows of features in, calibrated probabilities out, by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, Self

import numpy as np

from domain.arrays import BoolArray, Float32Array, FloatArray, RealArray
from domain.errors import InsufficientData, ModelCorrupt
from domain.forecasting import Driver, ModelType
from features.datasets.scaling import Scaler
from models.architectures.outputs import probability_up
from models.architectures.summary import inputs_of
from models.explanation.explanation import Explanation
from models.recalibration.records import Recalibration
from models.registry.artifacts import StoredVersion
from models.registry.metadata import MODEL_FILE, Graph, ModelMetadata
from models.serving.drivers import top_drivers
from models.serving.session import open_session
from models.serving.version_parts import read_explanation, read_scaler, require_current

# Of more windows the intermediate values leave the processor's cache, and the runtime keeps memory for
# all of them: 64 windows at once cost a Transformer a quarter more time and three times the memory.
_WINDOWS_AT_ONCE = 16

# By the name of the feature set: shape (n, rows, columns), unscaled, oldest row first.
FeatureRows = Mapping[str, FloatArray]
# The name of inputs that are not from candles, such as the facts of plans: shape (n, facts), of the newest row.
FACTS = "facts"


@dataclass(frozen=True)
class Forecasts:
    """The answers to n windows.

    Attributes:
        probability_up: Shape (n,), calibrated, 0..1.
        members: The same of each member of an ensemble; a single model is its own member.
        disagreement: Shape (n,), standard deviation of the members' probabilities, 0..0.5.
        confidence: Shape (n,), 0..1.
        raw: Shape (n, outputs), outputs of the graph, for `models/architectures/outputs.py`; an ensemble has none.
    """

    probability_up: FloatArray
    members: Mapping[ModelType, FloatArray]
    disagreement: FloatArray
    confidence: FloatArray
    raw: Float32Array

    def part(self, first: int, last: int) -> Forecasts:
        """Return the answers to the windows first..last - 1."""
        return Forecasts(
            self.probability_up[first:last],
            {kind: values[first:last] for kind, values in self.members.items()},
            self.disagreement[first:last],
            self.confidence[first:last],
            self.raw[first:last],
        )


class Forecaster(Protocol):
    """One model, or an ensemble of several."""

    @property
    def metadata(self) -> ModelMetadata:
        """Metadata of the version."""

    @property
    def recalibration(self) -> Recalibration | None:
        """What corrects its answers by their symbols; None where nothing does."""

    def recalibrated(self, by: Recalibration | None) -> Self:
        """Return the same model with another correction; both share the graph."""

    @property
    def needs(self) -> Mapping[str, int]:
        """Rows per window that it needs, by the name of the feature set."""

    def check(self, rows: FeatureRows) -> None:
        """Refuse rows that cannot be read.

        Raises:
            ValueError: a feature set is missing, or has fewer rows or other columns than needed.
            InsufficientData: a value that is needed is not known (NaN); the message names its columns.
        """

    def drivers(self, rows: FeatureRows) -> list[tuple[Driver, ...]] | None:
        """Return what moved the answer to each of n windows most; None of models that explain nothing.

        Raises:
            ValueError, InsufficientData: as `check`.
        """

    def forecast(self, rows: FeatureRows) -> Forecasts:
        """Return the answers to n windows, not recalibrated; a thread may call it while others do.

        Args:
            rows: For each feature set of `needs` an array of shape (n, needed rows or more, columns),
                float64, unscaled, oldest row first. The newest rows are read. A plan model needs `FACTS` too.

        Raises:
            ValueError, InsufficientData: as `check`.
        """


class OnnxForecaster:
    """The graph of a model in memory, with scaling, summary, outputs and calibration."""

    def __init__(
        self, metadata: ModelMetadata, graph: Graph, scaler: Scaler, session: Any, explanation: Explanation | None
    ) -> None:
        self.metadata = metadata
        self.recalibration: Recalibration | None = None
        self._graph = graph
        self._scaler = scaler
        self._session = session
        self._explanation = explanation
        all_columns = graph.feature_set.columns
        self._places = [all_columns.index(name) for name in graph.selected] or slice(None)

    @classmethod
    def load(cls, stored: StoredVersion) -> OnnxForecaster:
        """Return the forecaster of a version, checked and warmed up by one run.

        Raises:
            ModelCorrupt: a file is not the one that was written, or does not fit the metadata.
            ModelOutdated: its feature set is not one that this release computes.
        """
        metadata, graph = stored.metadata, stored.metadata.graph
        if graph is None:
            raise ValueError(f"{metadata.version} is an ensemble; load its members")
        require_current(metadata.version, graph)
        scaler = read_scaler(stored, graph)
        forecaster = cls(metadata, graph, scaler, open_session(stored, graph), read_explanation(stored, graph))
        forecaster._warm_up()
        return forecaster

    @cached_property
    def needs(self) -> Mapping[str, int]:
        """Rows per window that it needs, by the name of the feature set."""
        return {self._graph.feature_set.name: self._graph.sequence_length}

    def recalibrated(self, by: Recalibration | None) -> Self:
        """Return the same model with another correction; see `Forecaster.recalibrated`."""
        other = copy(self)
        other.recalibration = by
        return other

    def check(self, rows: FeatureRows) -> None:
        """Refuse rows that cannot be read; see `Forecaster.check`."""
        self._newest(rows)

    def drivers(self, rows: FeatureRows) -> list[tuple[Driver, ...]] | None:
        """Return what moved the answer to each window most; see `Forecaster.drivers`."""
        if self._explanation is None:
            return None
        windows = self._newest(rows)
        return [
            top_drivers(self._explanation.contributions(scaled), unscaled, self._graph)
            for scaled, unscaled in zip(self._inputs(windows), inputs_of(self._graph.inputs, windows), strict=True)
        ]

    def forecast(self, rows: FeatureRows) -> Forecasts:
        """Return the answers to n windows; see `Forecaster.forecast`."""
        return self._forecast(self._newest(rows))

    def inputs(self, rows: FeatureRows) -> RealArray:
        """Return what the graph reads of n windows, float32; raises as `Forecaster.check`."""
        return self._inputs(self._newest(rows))

    def _newest(self, rows: FeatureRows) -> FloatArray:
        """Return the rows that are read, after checking them."""
        name, columns = self._graph.feature_set.name, self._graph.feature_set.columns
        length = self._graph.sequence_length
        values = rows.get(name)
        if values is None:
            raise ValueError(f"rows of the feature set {name} are needed, received {', '.join(rows) or 'none'}")
        if values.ndim != 3 or not len(values) or values.shape[1] < length or values.shape[2] != len(columns):
            raise ValueError(f"{name}: shape (n, {length}, {len(columns)}) with n >= 1 is needed, got {values.shape}")
        newest = self._with_facts(values[:, -length:, self._places], rows)
        if not np.isfinite(newest).all():
            known: BoolArray = np.logical_and.reduce(np.isfinite(newest), axis=(0, 1))
            missing = [column for column, good in zip(self._graph.columns, known, strict=True) if not good]
            raise InsufficientData(
                f"the newest {length} rows need every feature known; more history is needed "
                f"for {', '.join(missing[:5])}{' …' if len(missing) > 5 else ''}"
            )
        return newest

    def _with_facts(self, newest: FloatArray, rows: FeatureRows) -> FloatArray:
        expected = len(self._graph.facts)
        if not expected:
            return newest
        facts = rows.get(FACTS)
        if facts is None or facts.shape != (len(newest), expected):
            raise ValueError(f"{FACTS}: shape ({len(newest)}, {expected}) is needed")
        return np.concatenate((newest, np.repeat(facts[:, None], newest.shape[1], axis=1)), axis=2)

    def _forecast(self, windows: FloatArray) -> Forecasts:
        graph = self._graph
        runs = (windows[first : first + _WINDOWS_AT_ONCE] for first in range(0, len(windows), _WINDOWS_AT_ONCE))
        answers = [self._session.run(["outputs"], {"inputs": self._inputs(run)})[0] for run in runs]
        raw: Float32Array = np.concatenate(answers)
        judged = graph.horizons_candles.index(self.metadata.horizon_candles) if graph.horizons_candles else 0
        # Single precision may overshoot by its last digit.
        uncalibrated = np.clip(probability_up(raw, graph.outputs, judged).astype(np.float64), 0.0, 1.0)
        probability = graph.calibration.apply(uncalibrated).astype(np.float64)
        return Forecasts(
            probability_up=probability,
            members={self.metadata.type: probability},
            disagreement=np.zeros_like(probability),
            confidence=np.abs(2.0 * probability - 1.0),
            raw=raw,
        )

    def _inputs(self, windows: FloatArray) -> RealArray:
        """Return what the graph reads of unscaled windows."""
        scaled = self._scaler.apply(windows, self._graph.columns).astype(np.float32)
        return inputs_of(self._graph.inputs, scaled)

    def _warm_up(self) -> None:
        """Run once on the middle of the training data, to which every model has an answer."""
        middle = np.array(self._scaler.offset) + 0.5 * np.array(self._scaler.scale) * (self._scaler.kind == "minmax")
        windows = np.broadcast_to(middle, (1, self._graph.sequence_length, len(middle)))
        version = self.metadata.version
        try:
            forecasts = self._forecast(windows)
        except Exception as error:  # the runtime's own errors share no base
            raise ModelCorrupt(f"{version}: {MODEL_FILE} does not run: {error}") from error
        if not np.isfinite(forecasts.raw).all():
            raise ModelCorrupt(f"{version}: {MODEL_FILE} answers with something that is not a number")
