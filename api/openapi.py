"""Additions to the OpenAPI document that FastAPI cannot derive by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import RouteContext, iter_route_contexts
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.dependencies import BodyCheck, Check
from api.guard.clients_only import is_open
from api.guard.own_pages_only import SAFE_METHODS
from api.schemas.problems import Problem, problem_responses
from utils.concurrency import SingleFlight

# The name under which routes ask for the token of a client, where clients have tokens.
CLIENT_SCHEME = "client"
# FastAPI adds it, in a shape of its own, wherever there are parameters.
UNPROCESSABLE = "422"
FRAMEWORK_ERRORS = ("HTTPValidationError", "ValidationError")
# Answers of every operation as a service gave them, by operation and name; `make examples` records them again.
EXAMPLES_FILE = Path(__file__).parent / "openapi_examples.json"
_REF = "#/components/schemas/{model}"


def describe(app: FastAPI, *, clients_only: bool) -> None:
    """Complete the app's OpenAPI document, and answer it as bytes that are made once, when they are first asked for.

    It takes half a second to make, and 20 ms to write as JSON: neither is done on the event loop.

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
            _add_checks(schema, app)
            _add_examples(schema)
            _refuse_other_sites(schema)
            if clients_only:
                _ask_clients(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # the way that FastAPI documents
    # By the path that a proxy has put before the service; the command line of the server names it.
    made, making = dict[str, bytes](), SingleFlight[bytes]()

    def make(root_path: str) -> bytes:
        found = app.openapi() | ({"servers": [{"url": root_path}]} if root_path else {})
        return json.dumps(found, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()

    async def answer(request: Request) -> Response:
        root_path = request.scope.get("root_path", "").rstrip("/")
        if root_path not in made:
            made[root_path] = await making.do(root_path, lambda: run_in_threadpool(make, root_path))
        return Response(made[root_path], media_type="application/json")

    routes, path = app.router.routes, str(app.openapi_url)
    (place,) = [number for number, route in enumerate(routes) if isinstance(route, Route) and route.path == path]
    routes[place] = Route(path, answer, include_in_schema=False)


def _add_checks(schema: dict[str, Any], app: FastAPI) -> None:
    """Add to each operation the body that its checks read and the statuses with which they refuse."""
    models: set[type[BaseModel]] = {Problem}
    for route in iter_route_contexts(app.routes):
        for operation in _operations(schema, route):
            if UNPROCESSABLE in operation["responses"]:
                operation["responses"] |= _texts(problem_responses(int(UNPROCESSABLE)))
            for check in _checks(route):
                operation["responses"] |= _texts(problem_responses(*check.statuses))
                if isinstance(check, BodyCheck):
                    models.add(check.model)
                    content = {"application/json": {"schema": {"$ref": _REF.format(model=check.model.__name__)}}}
                    operation["requestBody"] = {"required": check.required, "content": content}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, extra = models_json_schema([(model, "validation") for model in ordered], ref_template=_REF)
    schemas = schema["components"]["schemas"]
    for name in FRAMEWORK_ERRORS:
        schemas.pop(name, None)
    schemas.update(extra["$defs"])


def _operations(schema: dict[str, Any], route: RouteContext) -> list[dict[str, Any]]:
    if not getattr(route, "include_in_schema", False):
        return []
    path = schema["paths"].get(route.path_format, {})
    return [path[method.lower()] for method in route.methods or () if method.lower() in path]


def _checks(route: RouteContext) -> list[Check]:
    return [declared.call for declared in route.dependant.dependencies if isinstance(declared.call, Check)]


def _texts(responses: dict[int | str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {str(status): response for status, response in responses.items()}


def _add_examples(schema: dict[str, Any]) -> None:
    """Add the recorded answers as examples."""
    examples = json.loads(EXAMPLES_FILE.read_text(encoding="utf-8"))
    for operations in schema["paths"].values():
        for operation in operations.values():
            named = examples.get(operation["operationId"], {})
            answer = next(response for status, response in operation["responses"].items() if status.startswith("2"))
            if named:
                shown = {name: {"value": value} for name, value in named.items()}
                answer["content"]["application/json"]["examples"] = shown


def _refuse_other_sites(schema: dict[str, Any]) -> None:
    """Add the refusal of other sites' pages to each route that changes something or is paid for."""
    for operations in schema["paths"].values():
        for method, operation in operations.items():
            if method.upper() not in SAFE_METHODS:
                operation["responses"] |= _texts(problem_responses(403))


def _ask_clients(schema: dict[str, Any]) -> None:
    """Add the token of a client to each route that is neither open nor the administrator's."""
    schema["components"]["securitySchemes"][CLIENT_SCHEME] = {
        "type": "http",
        "scheme": "bearer",
        "description": "One of CLIENT_TOKENS, or the ADMIN_TOKEN; trusted networks need none.",
    }
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            if not is_open(path) and "security" not in operation:
                operation["security"] = [{CLIENT_SCHEME: []}]
                operation["responses"] |= _texts(problem_responses(401))
