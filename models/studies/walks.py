"""Predictions of finished learners of a study in a folder, from which an interrupted study continues."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from domain.errors import InvalidRequest, ModelStorageUnavailable
from domain.forecasting import ModelType
from domain.market import CandleSeries
from models.evaluation.out_of_sample import FoldPrediction, Predicted
from models.registry.durable_files import locked, replace_file
from models.training.learner import Learner
from models.training.learner_settings import settings_of
from models.training.walk_forward import EvaluationSet


@dataclass(frozen=True)
class Walk:
    """Uncalibrated predictions of a learner by fold, CPU seconds of its fits and predictions, and when they ended."""

    predictions: tuple[FoldPrediction, ...]
    cpu_seconds: float
    made_at: datetime


def walk_path(folder: Path, kind: ModelType, seed: int, mark: str) -> Path:
    """Return the file of a walk: walks of other candles, folds or settings lie beside it and stay."""
    return folder / f"{kind}-{seed}-{mark[:16]}.npz"


def has_others(folder: Path, kind: ModelType, seed: int) -> bool:
    """Return whether a folder has walks of a type and seed, whatever they are of."""
    return any(folder.glob(f"{kind}-{seed}-*.npz"))


def fingerprint(learner: Learner, evaluation_set: EvaluationSet, markets: Mapping[str, CandleSeries]) -> str:
    """Return the SHA-256 of candles, columns, folds and what the settings say of this learner."""
    digest = sha256()
    for symbol, series in markets.items():
        digest.update(symbol.encode() + series.times_ms.tobytes() + series.values.tobytes())
    digest.update(json.dumps([str(evaluation_set.folds.splits), *settings_of(learner)]).encode())
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
        "made_at": np.array(walk.made_at.isoformat()),
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
    except ModelStorageUnavailable as error:
        raise InvalidRequest(f"{path} cannot be written: {error.__cause__}") from error


def load_walk(path: Path, mark: str) -> Walk | None:
    """Return the walk of a file; None where there is no such file.

    Raises:
        InvalidRequest: the file cannot be read, or is of other candles or settings than those of `mark`.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            if str(file["mark"]) != mark:
                raise InvalidRequest(f"{path} is of other candles, folds or settings than its name says: delete it")
            predictions = tuple(
                FoldPrediction(
                    *(
                        Predicted(file[f"{name}_rows_{number}"], file[f"{name}_probability_{number}"])
                        for name in ("validation", "test")
                    )
                )
                for number in range(int(file["folds"]))
            )
            return Walk(predictions, float(file["cpu_seconds"]), datetime.fromisoformat(str(file["made_at"])))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidRequest(f"{path} cannot be read as predictions: {error}") from error
