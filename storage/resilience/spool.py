"""A local file of writes that wait for the store; it survives a kill, a torn last line and a second process."""

from __future__ import annotations

import fcntl
import os
import threading
import time
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from loguru import logger

READ_BYTES = 1_048_576
KEPT = ".unreadable"
_CHECKSUM_BYTES = 9  # eight digits and a space


class SpoolFull(Exception):
    """The spool holds as many bytes as it may."""


@dataclass(eq=False)
class _File:
    """One locked file.

    Attributes:
        size: Bytes that were written whole.
        offset: Bytes that were read and are done with.
        lines: Lines after the offset.
        kept: Whether the file stays for people, under another name, when all of it is done.
    """

    path: Path
    descriptor: int
    size: int = 0
    offset: int = 0
    lines: int = 0
    kept: bool = False


@dataclass(frozen=True)
class Batch:
    """The oldest texts, for `Spool.done` once the store has them."""

    texts: list[str]
    lines: int
    damaged: int
    end: int


class Spool:
    """Texts in their order, a line each with a checksum: append, read the oldest, mark them as done.

    Each process writes its own file and holds it locked; files of processes that are gone are adopted at the start and
    read first. A file is removed, or kept for people, once all of it is done. Every method blocks: call them off the
    event loop. One thread may append while another reads.
    """

    def __init__(self, folder: Path, name: str, max_bytes: int) -> None:
        """Keep where the files are; nothing is touched before `open`.

        Args:
            folder: Made by `open`.
            name: How the files of this kind begin.
            max_bytes: Of all files of this kind that this process holds.
        """
        self.folder = folder
        self._name = name
        self._max_bytes = max_bytes
        self._files: deque[_File] = deque()
        self._own: _File | None = None
        self._unsynced = False
        self._changing = threading.Lock()

    def __len__(self) -> int:
        """Return how many texts wait here."""
        return sum(file.lines for file in tuple(self._files))  # another thread may remove one

    @property
    def adopted(self) -> bool:
        """Whether texts of earlier processes are left."""
        return bool(self._files) and self._files[0] is not self._own

    def make_folder(self) -> Path:
        """Make the folder, for this user alone, if there is none or it was removed since; return it."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.folder

    def open(self) -> None:
        """Adopt the files of processes that are gone, oldest first.

        Raises:
            OSError: the folder cannot be used.
        """
        for path in sorted(self.make_folder().glob(f"{self._name}-*.jsonl")):
            if (descriptor := _locked(path)) is None:
                continue
            file = _File(path, descriptor, size=os.fstat(descriptor).st_size)
            file.lines = sum(chunk.count(b"\n") for chunk in _chunks(file))
            self._files.append(file)
            if file.lines == 0:  # empty, or a torn line alone
                self._remove(file)
        if len(self):
            logger.bind(spool=self._name, waiting=len(self)).info("writes of an earlier process are taken over")

    def append(self, texts: Sequence[str]) -> None:
        """Add texts, all of them or none; they outlive this process, and after `sync` a loss of power.

        Raises:
            SpoolFull: they do not fit into `max_bytes`.
            OSError: the file cannot be written.
        """
        content = b"".join(_line(text) for text in texts)
        with self._changing:
            used = sum(file.size for file in self._files)
            if used + len(content) > self._max_bytes:
                raise SpoolFull(f"the spool holds {used} of at most {self._max_bytes} bytes")
            if self._own is not None and not os.fstat(self._own.descriptor).st_nlink:
                self._own = None  # deleted by another program: its texts are still read, further ones need a file
            file = self._own or self._create()
            try:
                _write_all(file.descriptor, content, file.size)
            except OSError:
                os.ftruncate(file.descriptor, file.size)  # no half line stays
                if file.size == 0:
                    self._remove(file)
                raise
            file.size += len(content)
            file.lines += len(texts)
            self._unsynced = True

    def sync(self) -> None:
        """Have everything that was appended on the disk before returning.

        Raises:
            OSError: the file cannot be written.
        """
        with self._changing:
            if self._own is not None and self._unsynced:
                os.fsync(self._own.descriptor)
                self._unsynced = False

    def oldest(self, limit: int) -> Batch:
        """Return at most `limit` of the oldest texts, those of one file; a damaged line is counted and left out."""
        file = self._files[0]
        lines = list(_lines(file, limit))
        texts = [text for line in lines if (text := _text(line)) is not None]
        return Batch(texts, len(lines), len(lines) - len(texts), file.offset + sum(map(len, lines)))

    def keep_oldest(self) -> Path:
        """Have the file of the oldest texts kept once they are done, under the name that is returned."""
        self._files[0].kept = True
        return self._files[0].path.with_suffix(KEPT)

    def done(self, batch: Batch) -> None:
        """Forget the texts of the batch that was read last; a file without any more is removed."""
        with self._changing:
            file = self._files[0]
            if batch.lines >= file.lines or batch.lines == 0:  # 0: another program has cut the file
                self._remove(file)  # its texts count until it is gone
            else:
                file.offset = batch.end
                file.lines -= batch.lines

    def close(self) -> None:
        """Unlock the files; their texts stay for the next process."""
        with self._changing:
            for file in self._files:
                os.close(file.descriptor)
            self._files.clear()
            self._own = None

    def _create(self) -> _File:
        folder = self.make_folder()
        while True:
            path = folder / f"{self._name}-{time.time_ns():020d}-{os.getpid()}.jsonl"
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            if (descriptor := _locked(path)) is not None:  # else another process has adopted it at this very moment
                break
        self._own = _File(path, descriptor)
        self._files.append(self._own)
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        os.fsync(descriptor)
        os.close(descriptor)
        return self._own

    def _remove(self, file: _File) -> None:
        if file.kept and file.path.exists():
            file.path.rename(file.path.with_suffix(KEPT))
        file.path.unlink(missing_ok=True)
        os.close(file.descriptor)
        self._files.remove(file)
        if file is self._own:
            self._own = None


def _locked(path: Path) -> int | None:
    """Return an open descriptor that holds the file's lock, None where another process has it or removed the file."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink:
            return descriptor
    os.close(descriptor)
    return None


def _line(text: str) -> bytes:
    content = text.encode(errors="surrogatepass")
    return b"%08x " % zlib.crc32(content) + content + b"\n"


def _text(line: bytes) -> str | None:
    """Return the text of a line, None where it is torn or damaged."""
    content = line[_CHECKSUM_BYTES:-1]
    whole = line[: _CHECKSUM_BYTES - 1] == b"%08x" % zlib.crc32(content)
    return content.decode(errors="surrogatepass") if whole else None


def _lines(file: _File, limit: int) -> Iterator[bytes]:
    """Yield whole lines from the file's offset; what follows the last line break was torn."""
    rest = b""
    for chunk in _chunks(file):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line + b"\n" for line in whole[:limit])
        limit -= len(whole)
        if limit <= 0:
            return


def _chunks(file: _File) -> Iterator[bytes]:
    offset = file.offset
    while offset < file.size and (chunk := os.pread(file.descriptor, min(READ_BYTES, file.size - offset), offset)):
        offset += len(chunk)
        yield chunk


def _write_all(descriptor: int, content: bytes, offset: int) -> None:
    while content:
        written = os.pwrite(descriptor, content, offset)
        offset += written
        content = content[written:]
