"""Dead letters of webhooks, for operators."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from loguru import logger

from api.dependencies import Admin, CallerAddress, DefaultLimit
from api.parts import WebhooksPart
from api.schemas.operation.webhooks import DeadLetter, DeadLetterRetried, DeadLetters
from api.schemas.problems import problem_responses

MAX_LISTED = 200

router = APIRouter(prefix="/ai/webhooks/dead-letters", tags=["reports"], dependencies=[DefaultLimit, Admin])


@router.get(
    "",
    operation_id="dead_letters",
    summary="Signals that did not reach a receiver (admin)",
    responses=problem_responses(503),
)
async def newest(webhooks: WebhooksPart, limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 20) -> DeadLetters:
    """Return the newest signals for webhooks that were given up, with the reason."""
    return DeadLetters(dead_letters=[DeadLetter.of(delivery) for delivery in await webhooks.dead_letters(limit)])


@router.post(
    "/{delivery_id}/retry",
    operation_id="retry_dead_letter",
    summary="Try to deliver a signal again (admin)",
    status_code=HTTPStatus.ACCEPTED,
    responses=problem_responses(404, 409, 503),
)
async def retry(webhooks: WebhooksPart, delivery_id: str, by: CallerAddress) -> DeadLetterRetried:
    """Deliver a dead letter again, under the same `X-Delivery`; 409 where its receiver is not configured any more."""
    delivery = await webhooks.retry(delivery_id)
    logger.bind(delivery=delivery_id, address=by).info("a dead letter is tried again by an administrator")
    return DeadLetterRetried(delivery_id=delivery.delivery_id)
