"""The result of an evaluation as JSON-like values, whatever its model forecasts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.values import utc_time
from models.evaluation.metrics import Scores
from models.registry.metadata import ModelMetadata
from models.serving.version_evaluation import JudgedPredictions, PartName

# What each part of the candles says of the version, for a person.
WORDS: Mapping[PartName, str] = {
    "newer": "newer than its training: evidence, as long as no setting of it was chosen by looking at them",
    "walk_forward": "inside its training, forecast by models of the candles before them: the gate decided by these, "
    "so they are no evidence beyond it",
}

Document = dict[str, Any]


def evaluation_document(
    model: ModelMetadata, symbol: str, facts: Document, whole: Document, parts: Mapping[PartName, Document]
) -> Document:
    """Return the document of an evaluation.

    Args:
        model: The version.
        symbol: Of the candles.
        facts: What else is to be said of the version and its candles.
        whole: Figures of all predictions.
        parts: Figures of each part of them.
    """
    return {
        "version": model.version,
        "type": model.type.value,
        "symbol": symbol,
        "timeframe": model.timeframe.value,
        "horizon_candles": model.horizon_candles,
        **facts,
        **whole,
        "parts": [
            {"part": name, "evidence": name == "newer", "words": WORDS[name], **figures}
            for name, figures in parts.items()
        ],
    }


def figures_of(judged: JudgedPredictions, baselines: Mapping[str, Scores]) -> Document:
    """Return first and last time of predictions, their scores beside those of baselines, and their reliability."""
    return {
        "first": utc_time(int(judged.times_ms[0])).isoformat(),
        "last": utc_time(int(judged.times_ms[-1])).isoformat(),
        "metrics": judged.scores.model_dump(mode="json"),
        "baselines": {name: scores.model_dump(mode="json") for name, scores in baselines.items()},
        "reliability": [entry.model_dump(mode="json") for entry in judged.reliability],
    }
