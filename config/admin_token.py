"""The administrator's token: the configured one, or one that the first start creates in a file."""

from __future__ import annotations

import os
import re
import secrets
import stat
import tempfile
from pathlib import Path

from pydantic import SecretStr

from config.settings import Settings
from domain.errors import ConfigurationError

FILE_NAME = "admin_token"
# For a store that is not a local file.
DATA_FOLDER = Path("data")
TOKEN_BYTES = 32
MAX_FILE_BYTES = 4096
_SQLITE = "sqlite:///"
_TOKEN = re.compile(r"[!-~]+")
_REMEDY = "delete it, and the next start makes a new one; or set ADMIN_TOKEN"


def with_admin_token(settings: Settings) -> Settings:
    """Return the settings with an admin token, read from its file or created if ADMIN_TOKEN is not set.

    Returns:
        Settings whose `access.admin_token_file` is the path of the file, or empty where ADMIN_TOKEN is set.

    Raises:
        ConfigurationError: the file cannot be created or read, holds no token, or others may read it.
    """
    if settings.access.admin_token is not None:
        return _with(settings, admin_token_file="")
    path = _path(settings).absolute()
    try:
        token = _read(path)
    except FileNotFoundError:
        _make(path)
        token = _read_made(path)
    return _with(settings, admin_token_file=str(path), admin_token=SecretStr(token))


def _with(settings: Settings, **values: object) -> Settings:
    return settings.model_copy(update={"access": settings.access.model_copy(update=values)})


def _path(settings: Settings) -> Path:
    """Return the path of the token: in the data folder, so that services with separate data share none."""
    if settings.access.admin_token_file:
        return Path(settings.access.admin_token_file)
    url = settings.storage.url.get_secret_value()
    folder = Path(url.removeprefix(_SQLITE)).parent if url.startswith(_SQLITE) else DATA_FOLDER
    return folder / FILE_NAME


def _read(path: Path) -> str:
    """Return the token in a file.

    Raises:
        FileNotFoundError: there is no such file.
        ConfigurationError: the file cannot be used; the message says why.
    """
    try:
        # Without O_NONBLOCK, opening a pipe would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            content = file.read(MAX_FILE_BYTES) if stat.S_ISREG(status.st_mode) else b""
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = f"the admin token in {path} cannot be read ({error.strerror})"
        raise ConfigurationError(f"{reason}: let the user of the service read it, or set ADMIN_TOKEN") from None
    if status.st_mode & stat.S_IRWXO:
        reason = f"the admin token in {path} is open to every user of this machine"
        raise ConfigurationError(f"{reason}: {_REMEDY}; `chmod 600 {path}` keeps a token that no other user has read")
    if status.st_uid not in {0, os.geteuid()}:
        raise ConfigurationError(f"the admin token in {path} belongs to another user: {_REMEDY}")
    token = content.decode("latin-1").strip()
    if not _TOKEN.fullmatch(token):
        wrong = "holds more than one word of ASCII" if token else "is empty"
        raise ConfigurationError(f"the file of the admin token, {path}, {wrong}: {_REMEDY}")
    return token


def _read_made(path: Path) -> str:
    """Return the token of a file just created, by this process or by another that started at the same moment."""
    try:
        return _read(path)
    except FileNotFoundError:
        reason = f"the admin token in {path} cannot be read (it is a link to a file that does not exist)"
        raise ConfigurationError(f"{reason}: {_REMEDY}") from None


def _make(path: Path) -> None:
    """Write a new token into a file of mode 0600, unless the file exists by then; no reader ever sees half of it.

    Raises:
        ConfigurationError: the folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Mode 0600 and O_EXCL under a name of its own; the link then either gives it the real name or finds that taken.
        descriptor, unnamed = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(f"{secrets.token_urlsafe(TOKEN_BYTES)}\n")
                file.flush()
                os.fsync(descriptor)
            os.link(unnamed, path)
        finally:
            os.unlink(unnamed)
    except FileExistsError:
        return
    except OSError as error:
        reason = f"no admin token can be kept in {path} ({error.strerror})"
        remedy = "set ADMIN_TOKEN, or access.admin_token_file to a place that the service may write to"
        raise ConfigurationError(f"{reason}: {remedy}") from None
