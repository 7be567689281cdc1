"""Additions to the OpenAPI document that FastAPI cannot derive by itself."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.schemas.feedback import FeedbackRequest
from api.schemas.market import MarketRequest, RecommendationsRequest
from api.schemas.ml import MlPriceRequest, MlRequest, MlTrainRequest
from api.schemas.models import LoadRequest, PromoteRequest, RollbackRequest, SaveRequest
from api.schemas.predictions import PredictRequest, TrendRequest
from api.schemas.problems import Problem
from api.schemas.requests import AnalyzeRequest
from api.schemas.trades import TradeRequest
from api.schemas.training import TrainRequest
from api.schemas.version_one import ChartRequest

# Bodies that routes read by themselves, and the shape of every error.
EXTRA_SCHEMAS: tuple[type[BaseModel], ...] = (
    AnalyzeRequest,
    ChartRequest,
    PredictRequest,
    TrendRequest,
    MarketRequest,
    RecommendationsRequest,
    FeedbackRequest,
    TradeRequest,
    TrainRequest,
    MlRequest,
    MlPriceRequest,
    MlTrainRequest,
    LoadRequest,
    SaveRequest,
    PromoteRequest,
    RollbackRequest,
    Problem,
)
# The name under which routes ask for the admin token.
ADMIN_SCHEME = "admin"
_REF = "#/components/schemas/{model}"


def json_body(schema: str) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that reads its body by itself."""
    content = {"application/json": {"schema": {"$ref": _REF.format(model=schema)}}}
    return {"requestBody": {"required": True, "content": content}}


def admin_route(schema: str | None = None) -> dict[str, Any]:
    """Return the `openapi_extra` of a route for the administrator, with the body that it reads if it has one."""
    return {"security": [{ADMIN_SCHEME: []}], **(json_body(schema) if schema else {})}


def describe(app: FastAPI) -> None:
    """Complete the app's OpenAPI document, once, when it is first asked for."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            _, extra = models_json_schema([(model, "validation") for model in EXTRA_SCHEMAS], ref_template=_REF)
            schema["components"]["schemas"].update(extra["$defs"])
            schema["components"]["securitySchemes"] = {
                ADMIN_SCHEME: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The ADMIN_TOKEN; without one configured, admin routes answer only to this machine.",
                }
            }
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
