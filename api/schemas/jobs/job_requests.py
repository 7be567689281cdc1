"""Parameters of the jobs that need the parts of the service, and the answer when one is queued."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import ConfigDict, Field

from api.schemas.requests import RequestModel
from api.schemas.responses import ResponseModel
from domain.job_kinds import JobKind
from domain.jobs import Job, JobStatus
from domain.market import Timeframe
from domain.naming.symbols import SymbolName
from services.ledger.drill.parameters import (
    MAX_DAYS,
    MAX_EDGE,
    DrillParameters,
    SimulatedWalk,
)
from services.ledger.drill.parameters import (
    MAX_SYMBOLS as MAX_DRILL_SYMBOLS,
)

MAX_SYMBOLS = 1_000


class NoParameters(RequestModel):
    """This kind has no parameters."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})


class BulkAnalysisRequest(RequestModel):
    """Which symbols to analyze."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"symbols": ["BTCUSDT", "ETHUSDT"]}]})

    symbols: Annotated[
        list[SymbolName] | None,
        Field(min_length=1, max_length=MAX_SYMBOLS, description="Without them those of analysis.symbols."),
    ] = None


class ParityRequest(RequestModel):
    """Which day to replay."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"day": "2026-11-01"}]})

    day: Annotated[
        date | None,
        Field(strict=False, description="UTC; without it yesterday, whose certificate is kept and shown."),
    ] = None


class CleanupModelsRequest(RequestModel):
    """How much to keep."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"keep": 5}]})

    keep: Annotated[
        int | None, Field(ge=1, le=1_000, description="Versions of a market; without it models.keep_versions.")
    ] = None


class RetrainRequest(RequestModel):
    """Which models to retrain."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"full": True}]})

    full: Annotated[bool, Field(description="All in production, whatever their age.")] = False


class RecalibrateRequest(RequestModel):
    """Which models to recalibrate."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"full": True}]})

    full: Annotated[
        bool, Field(description="All in production, also before models.recalibration.interval_days have passed.")
    ] = False


class DrillRequest(RequestModel):
    """What to simulate."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"days": 10, "symbols": 4, "edge": 0.8}]})

    days: Annotated[int, Field(ge=1, le=MAX_DAYS, description="Simulated days with answers.")] = 30
    symbols: Annotated[int, Field(ge=1, le=MAX_DRILL_SYMBOLS, description="Simulated markets.")] = 8
    timeframe: Annotated[Timeframe, Field(description="Of their candles, 5m to 4h; an answer at each.")] = Timeframe.H1
    edge: Annotated[
        float,
        Field(ge=0, le=MAX_EDGE, description="Planted drift of trends, in standard deviations a candle; 0: none."),
    ] = 0.0
    correlation: Annotated[float, Field(ge=0, le=1, description="Of the returns of any two markets.")] = 0.5
    seed: Annotated[int, Field(ge=0, lt=2**63, description="Of the simulated candles.")] = 1

    def drill(self) -> DrillParameters:
        """Return the request as the service takes it.

        Raises:
            InvalidRequest: such candles, or as many answers, are too much for a drill.
        """
        walk = SimulatedWalk(self.edge, self.correlation, self.seed)
        return DrillParameters(self.days, self.symbols, self.timeframe, walk)


class JobQueued(ResponseModel):
    """The job that was queued; `GET /jobs/{job_id}` says how far it is, and has its result."""

    job_id: str
    status: JobStatus
    kind: JobKind

    @classmethod
    def of(cls, job: Job) -> Self:
        """Return the answer for a job."""
        return cls(job_id=job.job_id, status=job.status, kind=job.kind)
