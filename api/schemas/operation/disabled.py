"""Lanes and strategies that take no part in answers, and the request to disable or enable one."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from api.schemas.requests import Reason, RequestModel
from api.schemas.responses import ResponseModel
from domain.trading.disabled import LANES
from domain.values import epoch_ms
from services.guards.disabled import PartState

_EXAMPLE: dict[str, Any] = {"disabled": True, "reason": "it lost in five days of six"}


class DisabledRequest(RequestModel):
    """Whether a lane or strategy shall take no part in answers from now on."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    disabled: bool
    reason: Annotated[Reason, Field(description="One line; answers say it.")] = ""

    @model_validator(mode="after")
    def _say_why(self) -> Self:
        if self.disabled and not self.reason.strip():
            raise ValueError("a reason is needed to disable a lane or strategy: answers say it")
        return self


class DisabledPart(ResponseModel):
    """The state of a lane or strategy."""

    name: str
    kind: Literal["lane", "strategy"]
    disabled: bool
    reason: Annotated[str | None, Field(description="That of the last change; null where it had none.")]
    by: Annotated[
        Literal["admin", "emergency"] | None,
        Field(description="Who changed it last: an administrator, or the emergency watch; null before any change."),
    ]
    changed_at: Annotated[int | None, Field(description="The last change, epoch ms; null where there was none.")]

    @classmethod
    def of(cls, part: PartState) -> Self:
        """Return the answer for a state."""
        changed_ms = epoch_ms(part.changed_at) or None
        return cls(
            name=part.name,
            kind="lane" if part.name in LANES else "strategy",
            disabled=part.disabled,
            reason=part.reason or None,
            by=part.by if changed_ms else None,
            changed_at=changed_ms,
        )


class DisabledParts(ResponseModel):
    """Every lane and strategy."""

    disabled: Annotated[list[str], Field(description="Names of those that take no part.")]
    parts: list[DisabledPart]

    @classmethod
    def of(cls, parts: list[PartState]) -> Self:
        """Return the answer for the states of all."""
        names = [part.name for part in parts if part.disabled]
        return cls(disabled=names, parts=[DisabledPart.of(part) for part in parts])
