"""Reviews of the settings and models, as their tools read them: with `success`, and the content as `data` too."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field

from api.schemas.requests import RequestModel
from api.schemas.responses import ResponseModel
from services.reviews.settings import SelfAnalysis
from storage.document_ports import CONFIG_SUGGESTIONS, Document


class KeptDocument(ResponseModel):
    """A document as it was kept; the other fields are those that its writer chose."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    id: Annotated[str, Field(alias="_id")]
    created_at: Annotated[datetime, Field(description="ISO 8601, UTC.")]


class ConfigSuggestions(ResponseModel):
    """Suggestions for the settings, newest first."""

    success: Literal[True] = True
    count: Annotated[int, Field(ge=0)]
    suggestions: list[KeptDocument]
    data: Annotated[list[KeptDocument], Field(description="The same as `suggestions`.")]

    @classmethod
    def of(cls, documents: list[Document]) -> Self:
        """Return the answer for these documents."""
        suggestions = [KeptDocument.model_validate(document) for document in documents]
        return cls(count=len(suggestions), suggestions=suggestions, data=suggestions)


class SuggestionDecision(RequestModel):
    """Whether a suggestion is accepted."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"accept": True}]})

    accept: bool


class HowToApply(ResponseModel):
    """What puts accepted changes into force, at the next start."""

    yaml: Annotated[str, Field(description="Lines for the file that CONFIG_FILE names.")]
    environment: Annotated[str, Field(description="The same as variables, one a line.")]
    note: str


class DecidedSuggestion(ResponseModel):
    """A suggestion after the decision."""

    id: Annotated[str, Field(alias="_id", description="Of the suggestion.")]
    status: Literal["accepted", "rejected"]
    decided_at: Annotated[datetime, Field(description="ISO 8601, UTC.")]
    decided_by: Annotated[str, Field(description="Class of the token: admin.")]
    how_to_apply: Annotated[HowToApply | None, Field(description="Null of a rejected one.")]
    applied_changes: Annotated[
        list[str], Field(description="Accepted changes that are in the configuration of the running service.")
    ]

    @classmethod
    def of(cls, document: Document) -> Self:
        """Return the answer for a decided document."""
        return cls.model_validate(
            {
                "_id": document[CONFIG_SUGGESTIONS.key_field],
                "how_to_apply": document.get("how_to_apply"),
                **{name: document[name] for name in ("status", "decided_at", "decided_by", "applied_changes")},
            }
        )


class SelfAnalysisHistory(ResponseModel):
    """Advice on the models, newest first."""

    success: Literal[True] = True
    count: Annotated[int, Field(ge=0)]
    analyses: list[KeptDocument]
    data: Annotated[list[KeptDocument], Field(description="The same as `analyses`.")]

    @classmethod
    def of(cls, documents: list[Document]) -> Self:
        """Return the answer for these documents."""
        analyses = [KeptDocument.model_validate(document) for document in documents]
        return cls(count=len(analyses), analyses=analyses, data=analyses)


class ConfigAnalysisContent(ResponseModel):
    """The findings of a review."""

    message: str
    suggestions: dict[str, Any] | None
    advice: dict[str, Any] | None
    trade_stats: dict[str, Any]


class ConfigAnalysis(ResponseModel):
    """A review of the settings and models, as its tools read it."""

    success: bool
    status: Literal["completed", "insufficient_data"]
    message: str
    error: Annotated[str | None, Field(description="What is missing, where there is no result.")]
    suggestions: Annotated[dict[str, Any] | None, Field(description="Null where the trades are too few.")]
    trade_stats: Annotated[dict[str, Any], Field(description="Closed trades of trusted clients in 30 days.")]
    timestamp: Annotated[datetime, Field(description="ISO 8601, UTC.")]
    data: Annotated[ConfigAnalysisContent, Field(description="The same, and `advice` on the models.")]

    @classmethod
    def of(cls, analysis: SelfAnalysis, at: datetime) -> Self:
        """Return the answer for a review."""
        done = analysis.suggestions is not None or analysis.advice is not None
        message = _summary(analysis) if done else analysis.review.missing
        suggestions = analysis.suggestions["suggestions"] if analysis.suggestions else None
        content = ConfigAnalysisContent(
            message=message,
            suggestions=suggestions,
            advice=analysis.advice,
            trade_stats=asdict(analysis.review.statistics),
        )
        return cls(
            success=done,
            status="completed" if done else "insufficient_data",
            message=message,
            error=None if done else message,
            suggestions=suggestions,
            trade_stats=content.trade_stats,
            timestamp=at,
            data=content,
        )


def _summary(analysis: SelfAnalysis) -> str:
    suggestions, advice = analysis.review.suggestions, analysis.review.advice
    parts = [suggestions.summary if suggestions else analysis.review.missing, advice.reasoning if advice else ""]
    return " ".join(part for part in parts if part)
