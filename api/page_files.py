"""The files of the page, by their names below `/web/`: read and packed once, sent with a digest of their content."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response

from api.accepted import quality_of

WEB_FOLDER = Path(__file__).parent / "web"
TEXT = "; charset=utf-8"
MEDIA_TYPES = {
    ".html": f"text/html{TEXT}",
    ".js": f"text/javascript{TEXT}",
    ".mjs": f"text/javascript{TEXT}",
    ".css": f"text/css{TEXT}",
    ".svg": "image/svg+xml",
    ".txt": f"text/plain{TEXT}",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
# These hold packed data already.
PACKED = {".png", ".woff2"}
PAGE = "index.html"
# Sent in place of libraries that are not installed, so that the page works without them, with plain charts.
STAND_INS = {
    "vendor/htm-preact.mjs": "plain/stand_in.js",
    "vendor/lightweight-charts.standalone.production.mjs": "plain/no_charts.js",
    "vendor/uPlot.esm.js": "plain/no_charts.js",
}


@dataclass(frozen=True)
class PageFile:
    """A file as it is sent.

    Attributes:
        content: As it is on disk.
        packed: The same by gzip; None where that is no shorter.
        media_type: For `Content-Type`.
        tag: For `ETag`; weak, since both forms have the same.
        changed: Time of the last change and size, on disk.
    """

    content: bytes
    packed: bytes | None
    media_type: str
    tag: str
    changed: tuple[int, int]

    def answer(self, headers: Headers, *vary: str) -> Response:
        """Return the file, or 304 where the client has it.

        Args:
            headers: Of the request.
            vary: Headers beside `Accept-Encoding` that the choice of this file depends on.
        """
        sent = {
            "ETag": self.tag,
            # A release may change each file, so browsers ask each time whether theirs is still the newest.
            "Cache-Control": "no-cache",
            "Vary": ", ".join([*vary, "Accept-Encoding"]),
        }
        if self._is_held(headers.get("if-none-match", "")):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=sent)
        if self.packed is not None and quality_of("gzip", headers.get("accept-encoding", "")) > 0:
            return Response(self.packed, headers=sent | {"Content-Encoding": "gzip"}, media_type=self.media_type)
        return Response(self.content, headers=sent, media_type=self.media_type)

    def _is_held(self, held: str) -> bool:
        tags = {tag.strip() for tag in held.split(",")}
        return "*" in tags or not tags.isdisjoint({self.tag, self.tag.removeprefix("W/")})


class PageFiles:
    """The files below a folder that have one of `MEDIA_TYPES`, and stand-ins for libraries that are not there.

    A name only chooses among the files that were found there, so no name leads anywhere else. A file that has changed
    on disk is read again, and the folder is listed again when a name is not known.
    """

    def __init__(self, folder: Path = WEB_FOLDER) -> None:
        self._folder = folder
        self._paths: dict[str, Path] = {}
        self._read: dict[str, PageFile] = {}

    def page(self) -> PageFile | None:
        """Return the page; None where it is not there."""
        return self.find(PAGE)

    def find(self, name: str) -> PageFile | None:
        """Return a file by its name, such as `styles/base.css`; reads the disk, so not for the event loop."""
        found = self._find(name)
        return self._find(STAND_INS[name]) if found is None and name in STAND_INS else found

    def _find(self, name: str) -> PageFile | None:
        if name not in self._paths:
            self._paths = _list(self._folder)
        path = self._paths.get(name)
        if path is None:
            return None
        try:
            state = path.stat()
            changed = (state.st_mtime_ns, state.st_size)
            known = self._read.get(name)
            if known is None or known.changed != changed:
                known = self._read[name] = _read(path, changed)
        except FileNotFoundError:
            return None
        return known


def _list(folder: Path) -> dict[str, Path]:
    paths = (path for path in folder.rglob("*") if path.suffix in MEDIA_TYPES and path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in paths}


def _read(path: Path, changed: tuple[int, int]) -> PageFile:
    content = path.read_bytes()
    packed = None if path.suffix in PACKED else gzip.compress(content, mtime=0)
    if packed is not None and len(packed) >= len(content):
        packed = None
    tag = f'W/"{sha256(content).hexdigest()[:24]}"'
    return PageFile(content, packed, MEDIA_TYPES[path.suffix], tag, changed)
