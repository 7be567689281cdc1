"""From exceptions to problem documents: the one table of statuses, and the handlers."""

from __future__ import annotations

from http import HTTPStatus
from itertools import islice
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from api.schemas.problems import MEDIA_TYPE, FieldError, Problem
from config.errors.needs import need_of
from domain import errors
from domain.naming.file_names import timeframe_written
from utils.client_warnings import client_warnings

STATUS: dict[type[errors.AppError], HTTPStatus] = {
    errors.InvalidMarketData: HTTPStatus.BAD_REQUEST,
    errors.NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    errors.NotAllowed: HTTPStatus.FORBIDDEN,
    errors.ModelNotFound: HTTPStatus.NOT_FOUND,
    errors.ModelUnusable: HTTPStatus.CONFLICT,
    errors.PayloadTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    errors.InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Unstorable: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.UnknownSymbol: HTTPStatus.NOT_FOUND,
    errors.MarketDataUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.LlmUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StorageUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ModelUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ModelStorageUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.NotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.JobQueueFull: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.LibraryMissing: HTTPStatus.SERVICE_UNAVAILABLE,
}

# Of a 503 when another try may succeed by itself, and when something has to come first: a model, a library, room on
# a disk, the end of a job.
RETRY_SOON_SECONDS, RETRY_LATER_SECONDS = 5, 60
_LATER = (errors.ModelUnavailable, errors.ModelStorageUnavailable, errors.LibraryMissing, errors.JobQueueFull)

_TIMES = frozenset({"timestamp", "open_time", "as_of"})
_CANDLE_LISTS = frozenset({"timeframe_data", "candles"})
# What pydantic calls the types of a field that takes either of two.
_READINGS = frozenset({"constrained-str", "int", "float"})
MAX_FIELD_ERRORS = 20


def status_of(error: errors.AppError) -> HTTPStatus:
    """Return the status of the nearest class of the error that the table names."""
    for cls in type(error).__mro__:
        if cls in STATUS:
            return STATUS[cls]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem_response(
    connection: HTTPConnection,
    status: HTTPStatus,
    detail: str,
    *,
    code: str | None = None,
    field_errors: list[FieldError] | None = None,
    headers: dict[str, str] | None = None,
    retry_after_seconds: int | None = None,
) -> Response:
    """Return a problem document as a response; every 503 has the header `Retry-After`, and what names a time."""
    if retry_after_seconds is None and status is HTTPStatus.SERVICE_UNAVAILABLE:
        retry_after_seconds = RETRY_SOON_SECONDS
    if retry_after_seconds is not None:
        headers = {**(headers or {}), "Retry-After": str(retry_after_seconds)}
    problem = Problem(
        type=f"urn:trading-signal-service:problem:{code or status.name.lower()}",
        title=status.phrase,
        status=status,
        detail=detail,
        error=detail,
        request_id=connection.scope.get("state", {}).get("request_id", ""),
        errors=field_errors or [],
    )
    # Text from a request may hold lone surrogates, which UTF-8 has no bytes for.
    content = problem.model_dump_json().encode("utf-8", "replace")
    return Response(content, status, headers=headers, media_type=MEDIA_TYPE)


async def handle_app_error(request: Request, error: errors.AppError) -> Response:
    """Answer an error that the service raised on purpose."""
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        client_warnings.warn("request could not be served", error.code, path=request.url.path, reason=error.message)
    headers = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else None
    retry = RETRY_LATER_SECONDS if isinstance(error, _LATER) else None
    if isinstance(error, errors.RateLimited):
        retry = error.retry_after_seconds
    invalid = status is HTTPStatus.UNPROCESSABLE_ENTITY
    return problem_response(
        request,
        status,
        error.message,
        code=error.code,
        field_errors=[FieldError(field=error.field, message=error.message)] if invalid else None,
        headers=headers,
        retry_after_seconds=retry,
    )


async def handle_validation(request: Request, error: RequestValidationError) -> Response:
    """Answer a body or query that does not fit the schema; of what was sent, numbers and short words are repeated."""
    by_field: dict[str, dict[str, Any]] = {}
    for entry in error.errors():
        # Of several readings of a field the first one counts.
        by_field.setdefault(".".join(_place(entry)), entry)
    field_errors = [
        FieldError(field=name, message=_message(by_field[name])) for name in islice(by_field, MAX_FIELD_ERRORS)
    ]
    first = field_errors[0]
    # "symbol BTC/USDT: write BTCUSDT" names its field itself, also where that stands in the path or the query.
    named = first.message.startswith(f"{first.field.removeprefix('path.').removeprefix('query.')} ")
    where = f"{first.field}: " if first.field and not named else ""
    more = f" (and {len(by_field) - 1} more)" if len(by_field) > 1 else ""
    return problem_response(
        request,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"{where}{first.message}{more}",
        code="invalid_request",
        field_errors=field_errors,
    )


async def handle_http_exception(request: Request, error: HTTPException) -> Response:
    """Answer what the framework refuses by itself: an unknown path, a wrong method, a body too large."""
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers) if error.headers else None
    detail = f"{status.phrase}: {request.method} {request.url.path}"
    if status is HTTPStatus.METHOD_NOT_ALLOWED and (methods := _methods_of_path(request)):
        headers = {**(headers or {}), "Allow": methods}
        detail += f"; it takes {methods}"
    return problem_response(request, status, detail, headers=headers)


def install_error_handlers(app: FastAPI) -> None:
    """Let every error leave the service as a problem document."""
    # Starlette types a handler as one of any exception.
    app.add_exception_handler(errors.AppError, handle_app_error)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, handle_validation)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, handle_http_exception)  # type: ignore[arg-type]


def _methods_of_path(request: Request) -> str:
    """Return the methods of all routes of a path; the framework names those of the first one alone."""
    found: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.methods and route.path_regex.match(request.scope["path"]):
            found |= route.methods
    return ", ".join(sorted(found))


def _place(entry: dict[str, Any]) -> tuple[str, ...]:
    """Return where a value stands, without the names of the readings that pydantic adds."""
    return tuple(part for part in map(str, entry["loc"]) if "[" not in part and part not in _READINGS)


def _message(entry: dict[str, Any]) -> str:
    """Return what is wrong with a value and what is needed."""
    kind, sent, place = entry["type"], entry.get("input"), _place(entry)
    if (
        kind == "enum"
        and isinstance(sent, str)
        and f"'{(meant := timeframe_written(sent))}'" in entry["ctx"]["expected"]
    ):
        return f"{need_of(entry)}: write {meant}"
    if kind == "json_invalid":
        return "the body is not valid JSON (NaN and Infinity are not JSON either)"
    sent = sent if isinstance(sent, type) else type(sent)
    received = {str: "text", list: "an array", type(None): "null", bool: "true or false"}.get(sent)
    if kind == "int_type" and place[-1:] and place[-1] in _TIMES:
        needed = "send epoch milliseconds as a whole number, such as 1696876800000"
    elif kind in ("int_type", "float_type") and received == "text":
        needed = "send a number without quotes"
    elif kind in ("int_type", "float_type") and received == "null" and set(place) & _CANDLE_LISTS:
        needed = "send a number, or leave out a candle that has none"
    elif kind == "model_type" and received and set(place) & _CANDLE_LISTS:
        needed = "send each candle as an object with timestamp, open, high, low, close and volume"
    elif kind in ("model_type", "model_attributes_type", "dict_type"):
        needed = "send an object, such as {}"
    elif kind.endswith("_type") and received == "null":
        needed = need_of(entry)
    else:
        return need_of(entry)
    return f"is {received}; {needed}" if received else needed
