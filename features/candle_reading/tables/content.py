"""The content of a file, unpacked whatever its ending says, within a limit of size."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple, TypeVar

from domain.errors import InvalidMarketData
from domain.naming.file_names import file_market

# Of the file, and of what is packed in it: tens of millions of candles.
MAX_BYTES = 2 * 2**30
# An archive in an archive is common (`.csv.gz` in a zip), three deep is a trap.
MAX_NESTING = 3
NAMED_MEMBERS = 5
MAX_MEMBERS = 1_000
# What lies beside the candles in archives.
_BESIDE = re.compile(r"(?i)\.(?:checksum|sha256|md5|md|pdf|html?)$|(?:^|/)(?:read ?me|licen[cs]e)[^/]*$")

# Members of which several may continue each other.
_TEXT = re.compile(r"(?i)\.(?:(?:csv|txt)(?:\.(?:gz|bz2|xz))?|zip)$")

T = TypeVar("T")
_Packed = gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile
_DAMAGE = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    ValueError,
    NotImplementedError,
    RuntimeError,
)

_TAR, _TAR_AT = b"ustar", 257
_GZIP, _BZIP, _XZ, _ZIP = b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"PK\x03\x04"
_STREAMS: dict[bytes, tuple[str, Callable[[io.BytesIO], _Packed]]] = {
    _GZIP: ("gzip", lambda file: gzip.GzipFile(fileobj=file)),
    _BZIP: ("bzip2", bz2.BZ2File),
    _XZ: ("xz", lzma.LZMAFile),
}
# In a zip, the member that tells of which program it is the document, and what to do.
_DOCUMENTS = (
    ("xl/workbook.xml", "is an Excel workbook: save it as CSV"),
    ("content.xml", "is an OpenDocument spreadsheet: save it as CSV"),
    ("Index/Document.iwa", "is a document of Numbers: export it as CSV"),
)
# What is no table of candles but often mistaken for one, and what to do.
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "is an Excel workbook: save it as CSV"),
    (b"%PDF", "is a PDF: export CSV instead"),
    (b"PK\x05\x06", "is a zip without members: download or export it again"),
    (b"\x28\xb5\x2f\xfd", "is packed with zstd: unpack it first"),
    (b"\x04\x22\x4d\x18", "is packed with lz4: unpack it first"),
    (b"DBN", "is DBN of Databento: write it as CSV or Parquet by its client"),
    (b"SCID", "is a file of Sierra Chart: export its bar data as text"),
    (b"7z\xbc\xaf", "is a 7z archive: unpack it first"),
    (b"Rar!", "is a RAR archive: unpack it first"),
    (b"\x89HDF", "is HDF5: convert it to CSV or Parquet"),
    (b"SQLite format 3", "is an SQLite database: export the table of candles as CSV"),
    (b"\x93NUMPY", "is an array of NumPy: save it as CSV or Parquet with the names of its columns"),
    (b"\xff\xff\xff\xff", "is a stream of Arrow: write it as a Feather or Parquet file"),
    (b"ORC", "is ORC: convert it to Parquet or CSV"),
    (b"Obj\x01", "is Avro: convert it to Parquet or CSV"),
    (b"\x80\x04", "is a pickle, which can run code: save it as CSV or Parquet"),
    (b"\x80\x05", "is a pickle, which can run code: save it as CSV or Parquet"),
)


class Unpacked(NamedTuple):
    """Content that is no archive any more.

    Attributes:
        content: Of the file, or of its members.
        members: Names of the first member of each zip that it came out of, the outermost first.
    """

    content: bytes
    members: tuple[str, ...] = ()


def content_of(path: Path, limit_bytes: int = MAX_BYTES) -> Unpacked:
    """Return the content of a file, unpacked: out of gzip, bzip2, xz, or a zip with members of one market.

    Raises:
        InvalidMarketData: it cannot be read or unpacked, is too large, or is another kind of file.
    """
    try:
        with path.open("rb") as file:
            content = _bounded(file, limit_bytes, "it")
    except OSError as error:
        raise InvalidMarketData(f"cannot be read: {error.strerror or error}") from error
    return unpacked(content, limit_bytes)


def unpacked(content: bytes, limit_bytes: int = MAX_BYTES, nesting: int = MAX_NESTING) -> Unpacked:
    """Return content out of gzip, bzip2 or xz, or of a zip with one member or with several of one market.

    Args:
        content: Of a file, or of a member of a zip.
        limit_bytes: The most that may come out of it.
        nesting: How many times it may be packed.

    Raises:
        InvalidMarketData: it cannot be unpacked, is too large, or is another kind of file.
    """
    members: list[str] = []
    for inner in reversed(range(nesting)):
        if packed := next((magic for magic in _STREAMS if content.startswith(magic)), None):
            content = _out_of_stream(content, packed, limit_bytes)
        elif content.startswith(_ZIP):
            content, member = _out_of_zip(content, limit_bytes, inner)
            members.append(member)
        else:
            break
    if content[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        raise InvalidMarketData("is a tar archive: unpack it and name one of its files")
    for magic, words in _OTHERS:
        if content.startswith(magic):
            raise InvalidMarketData(words)
    if content.startswith((*_STREAMS, _ZIP)):
        raise InvalidMarketData(f"is packed more than {MAX_NESTING} times: unpack it first")
    if not content.strip():
        raise InvalidMarketData("is empty: export it again")
    return Unpacked(content, tuple(members))


def _bounded(stream: IO[bytes] | _Packed, limit_bytes: int, what: str, read_bytes: int = 0) -> bytes:
    """Read at most the limit less what was read already, so that a bomb takes no more memory than a file may."""
    content = stream.read(limit_bytes - read_bytes + 1)
    if read_bytes + len(content) > limit_bytes:
        raise InvalidMarketData(f"{what} holds more than {limit_bytes:,} bytes: split it by years")
    return content


def _out_of_stream(content: bytes, packed: bytes, limit_bytes: int) -> bytes:
    kind, opened = _STREAMS[packed]

    def read() -> bytes:
        with opened(io.BytesIO(content)) as stream:
            return _bounded(stream, limit_bytes, "unpacked it")

    return _unpacked(read, kind)


def _out_of_zip(content: bytes, limit_bytes: int, nesting: int) -> tuple[bytes, str]:
    """Return the content of the members of a zip, unpacked if there are several, and the name of the first."""

    def read() -> tuple[bytes, str]:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts: list[bytes] = []
            members = _members(archive)
            for member in members:
                with archive.open(member) as stream:
                    parts.append(_bounded(stream, limit_bytes, "unpacked it", sum(map(len, parts))))
                if len(members) > 1:
                    parts[-1] = _continued(member, parts[-1], limit_bytes - sum(map(len, parts[:-1])), nesting)
            return b"\n".join(parts), _bare(members[0])

    return _unpacked(read, "zip")


def _continued(member: zipfile.ZipInfo, content: bytes, limit_bytes: int, nesting: int) -> bytes:
    """Return the text of one of several members, which may be packed itself.

    Raises:
        InvalidMarketData: what it holds is no text, or of another market.
    """
    inner = unpacked(content, limit_bytes, nesting)
    for name in inner.members:
        if not _TEXT.search(name) or file_market(name).symbol not in {None, file_market(_bare(member)).symbol}:
            raise InvalidMarketData(f"holds {member.filename} with {name}: unpack it and name one")
    return inner.content


def _unpacked(read: Callable[[], T], kind: str) -> T:
    try:
        return read()
    except _DAMAGE as error:
        raise InvalidMarketData(
            f"is a damaged or protected {kind} file ({error}): download or export it again"
        ) from error


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the only file of an archive, or those of text that continue each other: one market, months or years."""
    names = archive.namelist()
    for member, words in _DOCUMENTS:
        if member in names:
            raise InvalidMarketData(words)
    members = [
        info
        for info in archive.infolist()
        if not info.is_dir() and not info.filename.startswith(("__MACOSX/", ".")) and "/." not in info.filename
    ]
    members = [info for info in members if not _BESIDE.search(info.filename)] or members
    if len(members) == 1:
        return members
    markets = {file_market(_bare(info)) for info in members}
    texts = all(_TEXT.search(info.filename) for info in members)
    if members and texts and len(markets) == 1 and next(iter(markets)).symbol and len(members) <= MAX_MEMBERS:
        return sorted(members, key=lambda info: info.filename)
    listed = ", ".join(info.filename for info in members[:NAMED_MEMBERS])
    more = f" and {len(members) - NAMED_MEMBERS} more" if len(members) > NAMED_MEMBERS else ""
    raise InvalidMarketData(f"holds {len(members)} files ({listed}{more}): unpack it and name one")


def _bare(member: zipfile.ZipInfo) -> str:
    """Return the name of a member without its folder."""
    return member.filename.rpartition("/")[2]
