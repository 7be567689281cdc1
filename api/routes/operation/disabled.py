"""Lanes and strategies that are disabled, for operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from loguru import logger

from api.dependencies import Admin, CallerAddress, DefaultLimit, JsonBody
from api.parts import DisabledPartsPart
from api.schemas.operation.disabled import DisabledPart, DisabledParts, DisabledRequest
from api.schemas.problems import problem_responses

PartName = Annotated[
    str,
    Path(min_length=1, max_length=100, description="A lane (rules, model, llm) or a name of `GET /ai/strategies`."),
]

router = APIRouter(prefix="/ai/disabled", tags=["analysis"])


@router.get(
    "", operation_id="disabled_parts", summary="Which lanes and strategies are disabled", dependencies=[DefaultLimit]
)
async def parts(disabled: DisabledPartsPart) -> DisabledParts:
    """Return the state of every lane and strategy; those that are disabled take no part in answers."""
    return DisabledParts.of(disabled.parts())


@router.post(
    "/{name}",
    operation_id="switch_part",
    summary="Disable or enable a lane or strategy (admin)",
    responses=problem_responses(404, 503),
    dependencies=[DefaultLimit, Admin],
)
async def switch(
    name: PartName,
    body: Annotated[DisabledRequest, Depends(JsonBody(DisabledRequest))],
    disabled: DisabledPartsPart,
    by: CallerAddress,
) -> DisabledPart:
    """Switch it from the next answer on, cached ones included; it outlives a restart and is announced on `/ws`.

    What is enabled is not disabled by itself for `emergency.quiet_hours`.
    """
    reason = body.reason.strip()
    part = await disabled.switch(name, disabled=body.disabled, reason=reason, by="admin")
    logger.bind(part=name, disabled=body.disabled, reason=reason, address=by).warning(
        "a lane or strategy is switched by an administrator"
    )
    return DisabledPart.of(part)
