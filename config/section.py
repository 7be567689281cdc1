"""The frozen base of every settings section, and the types that several sections use."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr


def _on_off(value: Any) -> Any:
    """Accept on and off, in any case, from YAML and the environment."""
    if isinstance(value, str) and value.lower() in {"on", "off"}:
        return value.lower() == "on"
    return value


def _no_empty_secret(value: Any) -> Any:
    """Treat an empty environment variable as a secret that is not configured."""
    return None if value == "" else value


Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Switch = Annotated[bool, BeforeValidator(_on_off)]
Secret = Annotated[SecretStr | None, BeforeValidator(_no_empty_secret)]
HttpUrl = Annotated[str, Field(pattern=r"^(https?://[^\s/]+(/[^\s]*)?)?$")]


class Section(BaseModel):
    """Base of every section: unknown keys stop the start, and values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid")
