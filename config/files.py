"""Files that a person names: read no further than expected, written whole or left as they were."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from domain.errors import InvalidRequest


def read_at_most(path: Path, max_bytes: int) -> bytes:
    """Return the content of a file; what has no end, such as a device, takes no more memory than a file may.

    Raises:
        OSError: it cannot be read, or is larger.
    """
    with path.open("rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"it has more than {max_bytes:,} bytes", str(path))
    return content


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a file to write; it gets the name of `path` once it is on the disk: this is whole then, or as it was.

    A link, a pipe or a device, such as /dev/stdout, is written itself.

    Raises:
        InvalidRequest: the file or its folder cannot be written to.
    """
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            yield path
            return
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as unfinished:
            part = Path(unfinished.name)
        try:
            yield part
            _sync(part)
            part.chmod(path.stat().st_mode if path.exists() else 0o666 & ~_umask())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be written: {error.strerror or error}") from error


def _sync(path: Path) -> None:
    with path.open("rb") as written:
        os.fsync(written.fileno())


def _umask() -> int:
    """Return the mask of new files, which a temporary one does not obey."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
