"""The event of a candidate that begins to shadow a model in production, or has ended, for every subscriber."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec


def render_model_shadow(data: Mapping[str, Any], at: datetime) -> str:
    """Return the `ModelShadow` event as JSON; `data` is what is known of the shadow."""
    return msgspec.json.encode({"type": "ModelShadow", "data": data, "timestamp": at}).decode()
