"""What the service found out about itself, as its tools read it: with `success`, and the content as `data` too."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from api.schemas.responses import ResponseModel

_SUGGESTION: dict[str, Any] = {
    "_id": "task-1",
    "task_id": "task-1",
    "created_at": "2026-01-31T12:00:00Z",
    "status": "pending",
    "current_config": {},
    "trade_stats": {"total_trades": 31, "win_rate": 41.9, "total_pnl": -52.1},
    "suggestions": {"summary": "Stops are hit in calm markets: widen them."},
    "applied_changes": [],
}
_ANALYSIS: dict[str, Any] = {
    "_id": "analysis-1",
    "analysis_id": "analysis-1",
    "created_at": "2026-01-31T12:00:00Z",
    "recommendation": "wait",
    "confidence": 0.55,
    "reasoning": "Accuracy has not changed within its margin of error.",
    "urgency": "low",
}


class KeptDocument(ResponseModel):
    """A document as it was kept; its other fields are those of its writer."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    id: Annotated[str, Field(alias="_id")]
    created_at: Annotated[datetime, Field(description="ISO 8601, UTC.")]


class ConfigSuggestions(ResponseModel):
    """Suggestions for the settings, newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"success": True, "count": 1, "suggestions": [_SUGGESTION], "data": [_SUGGESTION]}]
        }
    )

    success: Literal[True] = True
    count: Annotated[int, Field(ge=0)]
    suggestions: list[KeptDocument]
    data: Annotated[list[KeptDocument], Field(description="The same as `suggestions`.")]


class SelfAnalysisHistory(ResponseModel):
    """Advice on the models, newest first."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"success": True, "count": 1, "analyses": [_ANALYSIS], "data": [_ANALYSIS]}]}
    )

    success: Literal[True] = True
    count: Annotated[int, Field(ge=0)]
    analyses: list[KeptDocument]
    data: Annotated[list[KeptDocument], Field(description="The same as `analyses`.")]
