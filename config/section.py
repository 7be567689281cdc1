"""What every settings section is made of: the frozen base, and the types that several of them use."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Section(BaseModel):
    """Base of every section: unknown keys stop the start, values never change afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")
