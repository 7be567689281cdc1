"""The answer about a call to the LLM."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field

from api.schemas.responses import ResponseModel
from services.llm.probe import Probe


class LlmProbe(ResponseModel):
    """The result of one call to the LLM."""

    client_initialized: bool
    api_key_configured: bool
    status: Literal["ok", "failed"]
    test_response: str | None
    model_used: str | None
    error: str | None
    error_type: str | None
    diagnosis: Annotated[str | None, Field(description="What to do about it.")]

    @classmethod
    def of(cls, probe: Probe, *, client: bool, key: bool) -> Self:
        """Return the answer for a call; `client` and `key` tell whether they are configured."""
        return cls(
            client_initialized=client,
            api_key_configured=key,
            status="failed" if probe.error else "ok",
            test_response=probe.answer,
            model_used=probe.model,
            error=probe.error,
            error_type=probe.reason,
            diagnosis=probe.diagnosis,
        )
