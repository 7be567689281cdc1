"""The base of the answers; keys that a newer service adds are ignored."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Timeframe = Literal["1m", "3m", "5m", "15m", "30m", "1h", "4h", "8h", "12h", "1d", "1w"]
ModelType = Literal[
    "lstm", "gru", "transformer", "patchtst", "random_forest", "xgboost", "lightgbm", "logistic", "ensemble"
]


class Answer(BaseModel):
    """Base of the answers."""

    # `model_type` and others are names of the service.
    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())
