"""A version as a folder of files: written whole or not at all, and checked whenever it is read."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from pydantic import ValidationError

from config.errors.needs import named_need_of
from domain.errors import ModelCorrupt, ModelNotFound
from models.registry.durable_files import read_file, sync, write_synced
from models.registry.metadata import METADATA_FILE, MODEL_FILE, SCALER_FILE, SEAL_FILE, ModelMetadata
from models.registry.version_names import PLAN_PREFIX, check_version_name, version_name

MAX_FILE_BYTES = 256 * 1024 * 1024
MAX_METADATA_BYTES = 1024 * 1024

# Of each file: name, inode, time of change in ns, size.
FolderStamp = tuple[tuple[str, int, int, int], ...]

# Folders that are being written or deleted: no name of a version begins with a dot.
UNFINISHED = ".unfinished_"
_MAX_ATTEMPTS = 999
_TAKEN = {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}


@dataclass(frozen=True)
class StoredVersion:
    """A version on the disk whose metadata can be read; its other files are checked as they are read."""

    folder: Path
    metadata: ModelMetadata

    def read(self, name: str) -> bytes:
        """Return the content of one of its files.

        Raises:
            ModelCorrupt: the file is missing, too large, or not the one that was written.
        """
        version = self.metadata.version
        if name not in self.metadata.files:
            raise ModelCorrupt(f"{version}: {METADATA_FILE} lists no {name}")
        try:
            content = read_file(self.folder, name, MAX_FILE_BYTES)
        except FileNotFoundError:
            raise ModelCorrupt(f"{version}: {name} is missing") from None
        if sha256(content).hexdigest() != self.metadata.files[name]:
            raise ModelCorrupt(f"{version}: {name} is not the file that was written: its SHA-256 differs")
        return content

    def verify(self) -> None:
        """Read every file.

        Raises:
            ModelCorrupt: one of them is missing, too large, or not the one that was written.
        """
        for name in self.metadata.files:
            self.read(name)


def open_version(root: Path, version: str) -> StoredVersion:
    """Return a version by its name.

    Raises:
        InvalidRequest: no version can have that name.
        ModelNotFound: no version has that name.
        ModelCorrupt: its metadata is missing, unreadable or another version's.
    """
    folder = root / check_version_name(version)
    try:
        content = read_file(folder, METADATA_FILE, MAX_METADATA_BYTES)
        seal = read_file(folder, SEAL_FILE, MAX_METADATA_BYTES)
    except FileNotFoundError as error:
        if folder.is_dir():
            raise ModelCorrupt(f"{version}: {Path(error.filename).name} is missing") from None
        raise ModelNotFound(f"there is no version {version}") from None
    if seal != _seal(content):
        raise ModelCorrupt(f"{version}: {METADATA_FILE} is not the file that was written: {SEAL_FILE} differs")
    try:
        metadata = ModelMetadata.model_validate_json(content)
    except ValidationError as error:
        raise ModelCorrupt(f"{version}: {METADATA_FILE} is unusable: {named_need_of(error.errors()[0])}") from None
    if metadata.version != version:
        raise ModelCorrupt(f"{version}: {METADATA_FILE} belongs to {metadata.version}")
    return StoredVersion(folder, metadata)


def folder_stamp(root: Path, version: str) -> FolderStamp:
    """Return what changes when a file of a version does, in place too; () where the folder cannot be listed."""
    try:
        files = [(path.name, path.stat()) for path in sorted((root / version).iterdir())]
    except OSError:
        return ()  # reading it says why
    return tuple((name, status.st_ino, status.st_mtime_ns, status.st_size) for name, status in files)


def write_version(root: Path, metadata: ModelMetadata, write: Callable[[Path], None]) -> ModelMetadata:
    """Write a version and return its metadata as they are on the disk; call it with the root locked.

    The process may die at any moment: a version is there with all its files, or its folder has a name
    that no version can have.

    Args:
        metadata: `files` is filled in here, and `version` gets the first name that is free.
        write: Is given an empty folder and writes every file but the metadata into it.

    Raises:
        ValueError: `write` left something other than plain files, or not those that serving needs.
    """
    folder = root / f"{UNFINISHED}{uuid4().hex}"
    folder.mkdir()
    try:
        write(folder)
        files = _hashes(folder)
        missing = {MODEL_FILE, SCALER_FILE} - set(files) if metadata.graph else set()
        if missing:
            raise ValueError(f"a version needs {', '.join(sorted(missing))}")
        return _publish(root, folder, ModelMetadata(**{**dict(metadata), "files": files}))
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # after success nothing has this name


def delete_version(root: Path, version: str) -> None:
    """Delete a version, which is there whole or not at all meanwhile; call it with the root locked."""
    gone = root / f"{UNFINISHED}{uuid4().hex}"
    (root / check_version_name(version)).rename(gone)
    sync(root)
    shutil.rmtree(gone, ignore_errors=True)  # what cannot be deleted now is swept later


def sweep(root: Path) -> None:
    """Delete what processes that died left behind; with the root locked no other process is writing."""
    for folder in root.glob(f"{UNFINISHED}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _publish(root: Path, folder: Path, metadata: ModelMetadata) -> ModelMetadata:
    for attempt in range(1, _MAX_ATTEMPTS + 1):
        prefix = PLAN_PREFIX if metadata.judged_plans else ""
        version = version_name(metadata.type, metadata.created_at, attempt, prefix)
        named = ModelMetadata(**{**dict(metadata), "version": version})
        content = named.model_dump_json(indent=2).encode()
        write_synced(folder / METADATA_FILE, content)
        write_synced(folder / SEAL_FILE, _seal(content))
        sync(folder)
        try:
            folder.rename(root / version)
        except OSError as error:
            if error.errno in _TAKEN:
                continue
            raise
        sync(root)
        return named
    raise ValueError(f"more than {_MAX_ATTEMPTS} versions of {metadata.type} in one second")


def _seal(metadata: bytes) -> bytes:
    return f"{sha256(metadata).hexdigest()}  {METADATA_FILE}\n".encode()


def _hashes(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file():
            raise ValueError(f"{path.name} is not a plain file")
        sync(path)
        with path.open("rb") as file:
            found[path.name] = sha256(file.read()).hexdigest()
    return found
