"""A request to train a model, and its answer."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Field

from api.schemas.requests import CandleBodies, RequestModel
from api.schemas.responses import ResponseModel
from domain.analysis import DataSource
from domain.forecasting import ModelTarget, ModelType
from domain.jobs import JobStatus
from domain.market import Timeframe
from domain.naming.symbols import SymbolName
from services.training.service import TrainingAccepted

MAX_EPOCHS = 1_000


class TrainRequest(RequestModel):
    """A model to train; its candles, if sent, oldest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"symbol": "BTCUSDT", "timeframe": "1h", "model_type": "lstm", "epochs": 30}],
        }
    )

    symbol: SymbolName
    timeframe: Timeframe | None = Field(
        None,
        description="Without it: the usual distance of the candles or, without these, the first primary timeframe.",
    )
    model_type: ModelType | None = Field(None, description="Without it: models.default_type; of plans logistic.")
    target: ModelTarget | None = Field(
        None,
        description="close (default): the close of the next candle. plan: whether the target of a plan that the rules "
        "give comes before its stop; of the types lightgbm and logistic.",
    )
    horizon_candles: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="Candles ahead, one of models.further_horizons_candles, whose models stand apart. Without it: "
        "features.horizon_candles. Plan models have none.",
    )
    epochs: Annotated[int, Field(ge=1, le=MAX_EPOCHS)] | None = Field(
        None, description="At most this many for every network; without it as configured."
    )
    candles: CandleBodies | None = Field(
        None,
        description="Without any, those that trusted clients have posted are used or, where they are too few for a "
        "promotion, those of the market-data sources; never synthetic ones.",
    )
    retrain: bool | None = Field(None, description="Accepted; every request trains a new version.")


class TrainingQueued(ResponseModel):
    """The job that was queued; `GET /jobs/{job_id}` says how far it is."""

    message: str
    job_id: str
    status: JobStatus
    symbol: str
    timeframe: Timeframe
    model_type: ModelType
    training_samples: Annotated[
        int, Field(description="Closed candles that the job has or, of a source with pages, fetches at most.")
    ]
    source_data: Annotated[DataSource, Field(description="Whose candles.")]

    @classmethod
    def of(cls, accepted: TrainingAccepted) -> Self:
        """Return the answer for an accepted training."""
        fetching = f"; it fetches up to {accepted.candles:,} candles from {accepted.source} first"
        training = f"training of {accepted.type} for {accepted.symbol} {accepted.timeframe}"
        return cls(
            message=f"{training} is queued as a job{fetching if accepted.fetches else ''}",
            job_id=accepted.job.job_id,
            status=accepted.job.status,
            symbol=accepted.symbol,
            timeframe=accepted.timeframe,
            model_type=accepted.type,
            training_samples=accepted.candles,
            source_data=accepted.source,
        )
