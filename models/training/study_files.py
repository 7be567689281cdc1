"""Predictions of finished learners of a study in a folder, from which an interrupted study continues."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from config.section import Section
from domain.errors import InvalidRequest
from domain.market import CandleSeries
from models.evaluation.out_of_sample import FoldPrediction, Predicted
from models.registry.durable_files import locked, replace_file
from models.training.learner import Learner
from models.training.walk_forward import EvaluationSet

# Settings of a training that do not change what a learner predicts.
_IDLE = {"min_candles", "history_candles", "threads", "native_format"}


@dataclass(frozen=True)
class Walk:
    """Uncalibrated predictions of a learner by fold, and the CPU seconds of its fits and predictions."""

    predictions: tuple[FoldPrediction, ...]
    cpu_seconds: float


def fingerprint(learner: Learner, evaluation_set: EvaluationSet, markets: Mapping[str, CandleSeries]) -> str:
    """Return the SHA-256 of candles, columns, folds and what the settings say of this learner."""
    digest = sha256()
    for symbol, series in markets.items():
        digest.update(symbol.encode() + series.times_ms.tobytes() + series.values.tobytes())
    architecture, models = learner.architecture, learner.models
    own = architecture.settings(models)
    parts = [
        architecture.kind,
        learner.rows.feature_set.id,
        str(evaluation_set.folds.splits),
        own.model_dump(mode="json") if isinstance(own, Section) else own,
        models.target_threshold if architecture.target == "soft" else None,
        models.training.model_dump(mode="json", exclude=_IDLE),
        learner.features.model_dump(mode="json"),
    ]
    digest.update(json.dumps(parts).encode())
    return digest.hexdigest()


def save_walk(path: Path, walk: Walk, mark: str) -> None:
    """Write a walk atomically, as an npz without pickles.

    Args:
        path: The file.
        walk: The predictions.
        mark: Its `fingerprint`.

    Raises:
        InvalidRequest: the file cannot be written.
    """
    arrays: dict[str, Any] = {
        "mark": np.array(mark),
        "folds": np.array(len(walk.predictions)),
        "cpu_seconds": np.array(walk.cpu_seconds),
    }
    for number, fold in enumerate(walk.predictions):
        for name, part in (("validation", fold.validation), ("test", fold.test)):
            arrays[f"{name}_rows_{number}"] = part.rows
            arrays[f"{name}_probability_{number}"] = part.probability
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    try:
        with locked(path.parent):
            replace_file(path, buffer.getvalue())
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be written: {error.strerror or error}") from error


def load_walk(path: Path, mark: str) -> Walk | None:
    """Return the walk of a file; None where there is no such file.

    Raises:
        InvalidRequest: the file cannot be read, or is of other candles or settings than those of `mark`.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            if str(file["mark"]) != mark:
                raise InvalidRequest(
                    f"{path} was made from other candles, learners or settings: save this study in another folder"
                )
            predictions = tuple(
                FoldPrediction(
                    *(
                        Predicted(file[f"{name}_rows_{number}"], file[f"{name}_probability_{number}"])
                        for name in ("validation", "test")
                    )
                )
                for number in range(int(file["folds"]))
            )
            return Walk(predictions, float(file["cpu_seconds"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidRequest(f"{path} cannot be read as predictions: {error}") from error
