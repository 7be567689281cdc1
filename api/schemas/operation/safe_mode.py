"""The switch of safe mode, and its state."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from api.schemas.requests import Reason, RequestModel
from api.schemas.responses import ResponseModel
from domain.values import epoch_ms
from services.guards.safe_mode import SafeModeState

_EXAMPLE: dict[str, Any] = {"enabled": True, "reason": "the exchange reports wrong prices"}


class SafeModeRequest(RequestModel):
    """Whether every answer shall be Neutral from now on."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    enabled: bool
    reason: Annotated[Reason, Field(description="One line; every answer says it.")] = ""

    @model_validator(mode="after")
    def _say_why(self) -> Self:
        if self.enabled and not self.reason.strip():
            raise ValueError("a reason is needed to switch safe mode on: every answer says it")
        return self


class SafeModeAnswer(ResponseModel):
    """The state of safe mode."""

    enabled: bool
    reason: Annotated[str | None, Field(description="That of the last switch; null where it had none.")]
    changed_at: Annotated[int | None, Field(description="The last switch, epoch ms; null where there was none.")]

    @classmethod
    def of(cls, state: SafeModeState) -> Self:
        """Return the answer for a state."""
        return cls(enabled=state.enabled, reason=state.reason or None, changed_at=epoch_ms(state.changed_at) or None)
