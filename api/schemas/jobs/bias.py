"""A request to look for bias, and its answer."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Field

from api.schemas.requests import CandleBodies, RequestModel
from api.schemas.responses import ResponseModel
from domain.analysis import DataSource
from domain.forecasting import VersionName
from domain.job_kinds import JobKind
from domain.jobs import JobStatus
from domain.market import Timeframe
from domain.naming.symbols import SymbolName
from services.bias.service import BiasAccepted, BiasJobRequest

MAX_MOMENTS = 1_000


class RecursiveRequest(RequestModel):
    """A market on whose candles the needed history is measured; its candles, if sent, oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"symbol": "BTCUSDT", "timeframe": "1h"}]})

    symbol: SymbolName
    timeframe: Timeframe | None = Field(
        None,
        description="Without it: that of the version, the usual distance of the candles or, without these, the first "
        "primary timeframe.",
    )
    version: VersionName | None = Field(None, description="A model whose forecasts are checked too.")
    horizon_candles: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="Of which horizon, one of models.further_horizons_candles, where two have a version of this name.",
    )
    candles: CandleBodies | None = Field(
        None,
        description="Without any, those that trusted clients have posted are used or, where they are few, those of "
        "the market-data sources; never synthetic ones.",
    )

    def job_request(self, kind: JobKind, moments: int | None = None) -> BiasJobRequest:
        """Return the request as the service takes it."""
        return BiasJobRequest(
            kind, self.symbol, self.timeframe, self.version, moments, self.candles or None, self.horizon_candles
        )


class LookaheadRequest(RecursiveRequest):
    """A market on whose candles what looks ahead is searched; its candles, if sent, oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"symbol": "BTCUSDT", "timeframe": "1h", "moments": 40}]})

    moments: Annotated[int, Field(ge=1, le=MAX_MOMENTS)] | None = Field(
        None, description="Moments after which the future is cut off and replaced; without it: bias.moments."
    )


class BiasQueued(ResponseModel):
    """The job that was queued; `GET /jobs/{job_id}` has its result."""

    message: str
    job_id: str
    status: JobStatus
    symbol: str
    timeframe: Timeframe
    candles: Annotated[
        int, Field(description="Closed candles that the job has or, of a source with pages, fetches at most.")
    ]
    source_data: Annotated[DataSource, Field(description="Whose candles.")]

    @classmethod
    def of(cls, accepted: BiasAccepted) -> Self:
        """Return the answer for an accepted request."""
        market = f"{accepted.symbol} {accepted.timeframe}"
        return cls(
            message=f"{accepted.job.kind} on up to {accepted.candles:,} candles of {market} is queued as a job",
            job_id=accepted.job.job_id,
            status=accepted.job.status,
            symbol=accepted.symbol,
            timeframe=accepted.timeframe,
            candles=accepted.candles,
            source_data=accepted.source,
        )
