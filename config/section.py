"""What every settings section is made of: the frozen base, and the types that several of them use."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr


def split_commas(value: Any) -> Any:
    """Let an environment variable give a list as `a, b`."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _no_empty_secret(value: Any) -> Any:
    """Treat an empty environment variable as a secret that is not configured."""
    return None if value == "" else value


Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Secret = Annotated[SecretStr | None, BeforeValidator(_no_empty_secret)]
HttpUrl = Annotated[str, Field(pattern=r"^(https?://[^\s/]+(/[^\s]*)?)?$")]


class Section(BaseModel):
    """Base of every section: unknown keys stop the start, values never change afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")
