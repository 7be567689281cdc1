"""Additions to the OpenAPI document that FastAPI cannot derive by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.guard.clients_only import is_open
from api.guard.own_pages_only import SAFE_METHODS
from api.schemas.feedback import FeedbackRequest
from api.schemas.market import MarketRequest, RecommendationsRequest
from api.schemas.ml import MlPriceRequest, MlRequest, MlTrainRequest
from api.schemas.models import LoadRequest, PromoteRequest, RollbackRequest, SaveRequest
from api.schemas.predictions import PredictRequest, TrendRequest
from api.schemas.problems import Problem, problem_responses
from api.schemas.requests import AnalyzeRequest
from api.schemas.signals import SignalsRequest
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
    SignalsRequest,
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
# And the one of clients, where they have tokens.
CLIENT_SCHEME = "client"
# Answers of every operation as a service gave them, by operation and name; `make examples` records them again.
EXAMPLES_FILE = Path(__file__).parent / "openapi_examples.json"
_REF = "#/components/schemas/{model}"


def json_body(schema: str) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that reads its body by itself."""
    content = {"application/json": {"schema": {"$ref": _REF.format(model=schema)}}}
    return {"requestBody": {"required": True, "content": content}}


def admin_route(schema: str | None = None) -> dict[str, Any]:
    """Return the `openapi_extra` of a route for the administrator, with the body that it reads if it has one."""
    return {"security": [{ADMIN_SCHEME: []}], **(json_body(schema) if schema else {})}


def describe(app: FastAPI, *, clients_only: bool) -> None:
    """Complete the app's OpenAPI document, once, when it is first asked for.

    Args:
        app: With all its routes.
        clients_only: Whether routes that are open otherwise need the token of a client.
    """

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
                    "description": "The ADMIN_TOKEN, or the token in the file that the service names when it starts.",
                }
            }
            _add_examples(schema)
            _refuse_other_sites(schema)
            if clients_only:
                _ask_clients(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _add_examples(schema: dict[str, Any]) -> None:
    """Show with each answer what a service answered."""
    examples = json.loads(EXAMPLES_FILE.read_text(encoding="utf-8"))
    for operations in schema["paths"].values():
        for operation in operations.values():
            named = examples.get(operation["operationId"], {})
            answer = next(each for status, each in operation["responses"].items() if status.startswith("2"))
            if named:
                shown = {name: {"value": value} for name, value in named.items()}
                answer["content"]["application/json"]["examples"] = shown


def _refuse_other_sites(schema: dict[str, Any]) -> None:
    """Say of each route that changes something or is paid for that it answers no page of another site."""
    for operations in schema["paths"].values():
        for method, operation in operations.items():
            if method.upper() not in SAFE_METHODS:
                operation["responses"] |= {str(status): each for status, each in problem_responses(403).items()}


def _ask_clients(schema: dict[str, Any]) -> None:
    """Say of each route that is neither open nor an admin's that it needs the token of a client."""
    schema["components"]["securitySchemes"][CLIENT_SCHEME] = {
        "type": "http",
        "scheme": "bearer",
        "description": "One of CLIENT_TOKENS, or the ADMIN_TOKEN; trusted networks need none.",
    }
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            if not is_open(path) and "security" not in operation:
                operation["security"] = [{CLIENT_SCHEME: []}]
                operation["responses"] |= {str(status): each for status, each in problem_responses(401).items()}
