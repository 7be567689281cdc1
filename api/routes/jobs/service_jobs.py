"""A route for each kind of job that needs the parts of the service: `POST /jobs/{kind}`."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from api.dependencies import Admin, DefaultLimit, JobKey, JsonBody
from api.parts import JobsPart
from api.schemas.jobs.job_requests import (
    BulkAnalysisRequest,
    CleanupModelsRequest,
    JobQueued,
    NoParameters,
    ParityRequest,
    RecalibrateRequest,
    RetrainRequest,
)
from api.schemas.problems import problem_responses
from domain.errors import NotFound
from domain.job_kinds import RUNNABLE_KINDS, JobKind

# By kind: the schema of its parameters, and what the document says of it.
KINDS: dict[JobKind, tuple[type[BaseModel], str, str]] = {
    JobKind.BULK_ANALYSIS: (
        BulkAnalysisRequest,
        "Analyze many symbols (admin)",
        "Analyze symbols one after the other from the market-data sources; each analysis is published.",
    ),
    JobKind.SETTLE: (NoParameters, "Settle the ledger (admin)", "Settle what is due, unless a replica is at it."),
    JobKind.PARITY: (
        ParityRequest,
        "Replay a day of the ledger (admin)",
        "Compare what is said by the code of today about a day with what was said on it.",
    ),
    JobKind.RETENTION: (
        NoParameters,
        "Remove old documents (admin)",
        "Remove documents that are older than the settings allow.",
    ),
    JobKind.CLEANUP_MODELS: (
        CleanupModelsRequest,
        "Delete old versions of models (admin)",
        "Delete all but the newest versions of each market, and those that serve or may serve again.",
    ),
    JobKind.RETRAIN_IF_NEEDED: (
        RetrainRequest,
        "Train models that need it (admin)",
        "Queue a training of each model in production that is too old or has an alarm of drift, or of all.",
    ),
    JobKind.RECALIBRATE: (
        RecalibrateRequest,
        "Recalibrate models from settled forecasts (admin)",
        "Fit a calibration on the settled forecasts of each model in production, and take it where it is better.",
    ),
    JobKind.SELF_ANALYSIS: (
        NoParameters,
        "Review the service itself (admin)",
        "Review the newest days, and ask for advice only where they are not acceptable.",
    ),
    JobKind.HEALTH_CHECK: (NoParameters, "Report what does not work (admin)", "Make and keep a report of health."),
    JobKind.PORTFOLIO_REPORT: (
        NoParameters,
        "Report the engine's account (admin)",
        "Make and keep a report of the trading engine's account.",
    ),
    JobKind.COST_REPORT: (NoParameters, "Report the LLM's costs (admin)", "Make and keep a report of costs."),
    JobKind.PERFORMANCE_ANALYSIS: (
        NoParameters,
        "Report win rates (admin)",
        "Make and keep a report of win rates and Sharpe ratios.",
    ),
}

router = APIRouter(prefix="/jobs", tags=["jobs"], dependencies=[DefaultLimit, Admin])


def _submitting(kind: JobKind, asked_model: type[BaseModel]) -> Callable[..., Awaitable[JobQueued]]:
    async def submit(
        body: Annotated[BaseModel, Depends(JsonBody(asked_model, required=False))], jobs: JobsPart, key: JobKey = None
    ) -> JobQueued:
        return JobQueued.of(await jobs.submit(kind, body.model_dump(mode="json"), key))

    return submit


for _kind, (_model, _summary, _description) in KINDS.items():
    router.add_api_route(
        f"/{_kind.value}",
        _submitting(_kind, _model),
        methods=["POST"],
        operation_id=f"job_{_kind.value}",
        summary=_summary,
        description=_description,
        status_code=HTTPStatus.ACCEPTED,
        responses=problem_responses(503),
    )


@router.post("/{kind}", include_in_schema=False)
async def unknown_kind(kind: str) -> None:
    """Say which kinds there are."""
    kinds = ", ".join(RUNNABLE_KINDS)
    raise NotFound(f"there is no kind of job {kind[:60]!r}; there are {kinds}")
