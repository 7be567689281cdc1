"""The content of a file as the body of a request."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request

from api.bodies.json_body import read_bytes
from api.dependencies import Check, get_container
from domain.errors import InvalidRequest

TYPES = ("application/octet-stream", "text/csv")


class FileBody(Check):
    """Gives a route the bytes of its body, at most `access.max_body_bytes`."""

    statuses = (
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    )

    async def __call__(self, request: Request) -> bytes:
        """Read the body.

        Raises:
            UnsupportedMediaType, PayloadTooLarge: as `read_bytes`.
            InvalidRequest: it is empty.
        """
        content = await read_bytes(request, get_container(request).settings.access.max_body_bytes, TYPES)
        if not content:
            raise InvalidRequest("the body is empty: send the content of the file as it is")
        return content
