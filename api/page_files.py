"""The files of the page, by their names below `/web/`: read and packed once, sent with a digest of their content.

Each file costs a round trip. So the page names at once what its first view imports, and the addresses in it contain a
version of all files: browsers keep what they got, and ask again once a file has changed.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urljoin

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
# The frame, and the view of an address that names none.
FIRST_MODULES = ("app.js", "views/board/board.js")
_IMPORT = re.compile(r'^(?:import|export)\b[^;()]*?"(\.[^"]+)"', re.MULTILINE)
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

    def answer(self, headers: Headers, *vary: str, lasting: bool = False) -> Response:
        """Return the file, or 304 where the client has it.

        Args:
            headers: Of the request.
            vary: Headers beside `Accept-Encoding` that the choice of this file depends on.
            lasting: Whether its address contains its version. If not, browsers ask each time whether theirs is still
                the newest, since a release may change each file.
        """
        sent = {
            "ETag": self.tag,
            "Cache-Control": "public, max-age=31536000, immutable" if lasting else "no-cache",
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
        self._versioned: dict[str, PageFile] = {}

    def page(self) -> PageFile | None:
        """Return the page, with the version of its files in their addresses; None where it is not there."""
        page = self.find(PAGE)
        if page is None:
            return None
        self._paths = _list(self._folder)
        names = sorted({*self._paths, *STAND_INS})
        files = {name: file for name in names if (file := self.find(name)) is not None}
        version = "@" + sha256("".join(name + file.tag for name, file in files.items()).encode()).hexdigest()[:16]
        self._versioned = {f"{version}/{name}": file for name, file in files.items()}
        links = "".join(f'<link rel="modulepreload" href="web/{name}">\n' for name in _first_modules(files))
        text = page.content.decode().replace("</head>", f"{links}</head>").replace('"web/', f'"web/{version}/')
        return _packed(text.encode(), Path(PAGE).suffix, page.changed)

    def versioned(self, name: str) -> PageFile | None:
        """Return a file by its name in the page that was sent last, such as `@0123456789abcdef/styles/page.css`."""
        return self._versioned.get(name)

    def find(self, name: str) -> PageFile | None:
        """Return a file by its name, such as `styles/page.css`; reads the disk, so not for the event loop."""
        # A page that is still open after a release asks for its views under the version before.
        name = re.sub("^@[^/]*/", "", name)
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
                known = self._read[name] = _packed(path.read_bytes(), path.suffix, changed)
        except FileNotFoundError:
            return None
        return known


def _list(folder: Path) -> dict[str, Path]:
    paths = (path for path in folder.rglob("*") if path.suffix in MEDIA_TYPES and path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in paths}


def _first_modules(files: Mapping[str, PageFile]) -> list[str]:
    """Return the first modules, and what they import when they are loaded."""
    found = [name for name in FIRST_MODULES if name in files]
    for name in found:
        imported = (urljoin(name, path) for path in _IMPORT.findall(files[name].content.decode()))
        found += [path for path in imported if path in files and path not in found]
    return found


def _packed(content: bytes, suffix: str, changed: tuple[int, int]) -> PageFile:
    packed = None if suffix in PACKED else gzip.compress(content, mtime=0)
    if packed is not None and len(packed) >= len(content):
        packed = None
    tag = f'W/"{sha256(content).hexdigest()[:24]}"'
    return PageFile(content, packed, MEDIA_TYPES[suffix], tag, changed)
