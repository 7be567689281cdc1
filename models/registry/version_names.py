"""Names of versions."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import TypeAdapter, ValidationError

from domain.errors import InvalidRequest
from domain.forecasting import ModelType, VersionName

# Names of plan models begin with it: they are in a folder of their own, and none is taken for a model of the close.
PLAN_PREFIX = "plan_"

_VERSION_NAME: TypeAdapter[str] = TypeAdapter(VersionName)


def version_name(kind: ModelType, created_at: datetime, attempt: int = 1, prefix: str = "") -> str:
    """Return the name of a version, `{type}_model_{YYYYMMDD_HHMMSS}` in UTC, with `_2` and on for later attempts.

    Args:
        kind: Type of the model.
        created_at: When it was made.
        attempt: Number of the attempt at a free name.
        prefix: `PLAN_PREFIX` of a plan model.
    """
    suffix = f"_{attempt}" if attempt > 1 else ""
    return f"{prefix}{kind}_model_{created_at.astimezone(UTC):%Y%m%d_%H%M%S}{suffix}"


def check_version_name(name: str) -> str:
    """Return the name where it is one that a version can have.

    Raises:
        InvalidRequest: anything else, paths included.
    """
    try:
        return _VERSION_NAME.validate_python(name)
    except ValidationError:
        raise InvalidRequest(
            f"{name[:80]!r} is not the name of a version; those look like lstm_model_20260131_120000"
        ) from None
