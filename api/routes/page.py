"""The files of the page, which the route `/` answers to browsers."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.page_files import PageFiles
from domain.errors import NotFound

router = APIRouter()


# In a thread of its own, since it reads the disk. Not counted: a page has dozens of files, which stay in memory.
@router.head("/web/{name:path}", include_in_schema=False)
@router.get("/web/{name:path}", include_in_schema=False)
def page_file(request: Request, name: str) -> Response:
    """Return a script, a style, a picture or a library of the page; the page itself is at `/` alone."""
    files: PageFiles = request.app.state.page_files
    versioned = files.versioned(name)
    file = versioned or files.find(name)
    if file is None or name.endswith(".html"):
        raise NotFound("the page has no such file")
    return file.answer(request.headers, lasting=versioned is not None)
