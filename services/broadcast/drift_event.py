"""The event of a model in production that drifts, for every subscriber."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec


def render_model_drift(data: Mapping[str, Any], at: datetime) -> str:
    """Return the `ModelDrift` event as JSON; `data` is what was found."""
    return msgspec.json.encode({"type": "ModelDrift", "data": data, "timestamp": at}).decode()
