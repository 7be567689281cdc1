"""Requests about the models."""

from __future__ import annotations

from typing import Annotated

from pydantic import AliasChoices, ConfigDict, Field

from api.schemas.requests import RequestModel
from domain.forecasting import ModelScope, ModelTarget, VersionName
from domain.market import Timeframe
from domain.values import TextForm
from models.registry.registry import MAX_REASON

Name = Annotated[VersionName, Field(examples=["lstm_model_20260131_120000"])]
Reason = Annotated[
    str,
    Field(min_length=1, max_length=MAX_REASON, examples=["the gate had too few rows"]),
    TextForm(r"^[\s\S]*\S[\s\S]*$", "needs a text that is not empty"),
]


# Of requests about a version.
Ahead = Annotated[
    int | None,
    Field(
        ge=1,
        description="Of which horizon, where two have a version of this name: one of models.further_horizons_candles. "
        "Without it: the usual horizon first.",
    ),
]


class LoadRequest(RequestModel):
    """Which version is to serve; `model_path`, another word for `version`, holds a name too, never a path."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": "logistic_model_20260131_120000"}]})

    version: Name = Field(validation_alias=AliasChoices("version", "model_path"))
    horizon_candles: Ahead = None


class SaveRequest(RequestModel):
    """Which version is to be verified; `model_name` is another word for `version`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": "logistic_model_20260131_120000"}]})

    version: Name | None = Field(
        None,
        validation_alias=AliasChoices("version", "model_name"),
        description="Without it: what `/model/info` shows.",
    )
    horizon_candles: Ahead = None


class PromoteRequest(RequestModel):
    """Why a version is to serve whatever the gate found; kept with the promotion."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "two weeks of shadow trading"}]})

    reason: Reason


class RollbackRequest(RequestModel):
    """Whose version before is to serve again, and why."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"symbol": "BTCUSDT", "timeframe": "1h", "reason": "fewer hits than before"}]}
    )

    symbol: Annotated[ModelScope, Field(description="`*` for the models of every symbol without one of its own.")]
    timeframe: Timeframe
    reason: Reason
    target: ModelTarget | None = Field(None, description="close (default), or plan: of plan models.")
    horizon_candles: Annotated[int, Field(ge=1)] | None = Field(
        None, description="One of models.further_horizons_candles; without it of the models of the usual horizon."
    )
