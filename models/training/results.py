"""Results of a training run: models that may serve, with their predictions out of sample, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.forecasting import ModelType
from models.drift.reference import TrainingReference
from models.evaluation.calibration import Calibration
from models.evaluation.gate import GateVerdict
from models.evaluation.metrics import Scores
from models.evaluation.out_of_sample import OutOfSample
from models.training.learner import Fitted, Learner


@dataclass(frozen=True)
class Artefact:
    """A model fitted on all rows, whose ONNX graph gives the same answers, and what its features were like."""

    learner: Learner
    fitted: Fitted
    calibration: Calibration
    graph: bytes
    reference: TrainingReference


@dataclass(frozen=True)
class Candidate:
    """A model that may serve, and its predictions out of sample.

    An ensemble has no artefact but `weights`, the share of each member.
    """

    kind: ModelType
    judged: OutOfSample
    scores: Scores
    artefact: Artefact | None
    weights: Mapping[ModelType, float]


@dataclass(frozen=True)
class TrainingResult:
    """The requested candidate, the others that may serve, scores of the baselines, and the verdict."""

    asked: Candidate
    others: tuple[Candidate, ...]
    baselines: Mapping[str, Scores]
    verdict: GateVerdict

    def find(self, kind: ModelType) -> Candidate:
        """Return the candidate of a type."""
        return next(candidate for candidate in (self.asked, *self.others) if candidate.kind is kind)
