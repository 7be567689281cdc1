"""The safe mode, for operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from loguru import logger

from api.dependencies import Admin, CallerAddress, DefaultLimit, JsonBody
from api.parts import SafeModePart
from api.schemas.operation.safe_mode import SafeModeAnswer, SafeModeRequest
from api.schemas.problems import problem_responses

router = APIRouter(prefix="/ai/safe-mode", tags=["analysis"])


@router.get("", operation_id="safe_mode", summary="Whether safe mode is on, and why", dependencies=[DefaultLimit])
async def state(safe_mode: SafeModePart) -> SafeModeAnswer:
    """Return the state; while safe mode is on every answer is Neutral and says the reason."""
    return SafeModeAnswer.of(safe_mode.state)


@router.post(
    "",
    operation_id="switch_safe_mode",
    summary="Switch safe mode on or off (admin)",
    responses=problem_responses(503),
    dependencies=[DefaultLimit, Admin],
)
async def switch(
    body: Annotated[SafeModeRequest, Depends(JsonBody(SafeModeRequest))], safe_mode: SafeModePart, by: CallerAddress
) -> SafeModeAnswer:
    """Switch it from the next answer on, cached ones included; it outlives a restart and is announced on `/ws`."""
    reason = body.reason.strip()
    logger.bind(enabled=body.enabled, reason=reason, address=by).warning("safe mode is switched by an administrator")
    return SafeModeAnswer.of(await safe_mode.switch(enabled=body.enabled, reason=reason))
