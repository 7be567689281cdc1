"""A secret that its first use creates in a file of mode 0600."""

from __future__ import annotations

import os
import re
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from domain.errors import ConfigurationError

SECRET_BYTES = 32
MAX_FILE_BYTES = 4096
_SECRET = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class SecretFile:
    """Where a secret is kept, and the words about it for a person.

    Attributes:
        name: As in "the admin token".
        remedy: What to do about a file that cannot be used.
        instead: What to do where the file cannot be read.
        elsewhere: What to do where the file cannot be created.
    """

    path: Path
    name: str
    remedy: str
    instead: str
    elsewhere: str

    def secret(self) -> SecretStr:
        """Return the secret, created if the file does not exist.

        Raises:
            ConfigurationError: the file cannot be created or read, holds no secret, or others may read it.
        """
        try:
            return SecretStr(self._read())
        except FileNotFoundError:
            self._make()
        try:
            # Of this process, or of another that started at the same moment.
            return SecretStr(self._read())
        except FileNotFoundError:
            reason = f"the {self.name} in {self.path} cannot be read (it is a link to a file that does not exist)"
            raise ConfigurationError(f"{reason}: {self.remedy}") from None

    def _read(self) -> str:
        """Return the secret in the file.

        Raises:
            FileNotFoundError: there is no such file.
            ConfigurationError: the file cannot be used; the message says why.
        """
        path = self.path
        try:
            # Without O_NONBLOCK, opening a pipe would wait for its writer.
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                content = file.read(MAX_FILE_BYTES) if stat.S_ISREG(status.st_mode) else b""
        except FileNotFoundError:
            raise
        except OSError as error:
            reason = f"the {self.name} in {path} cannot be read ({error.strerror})"
            raise ConfigurationError(f"{reason}: let the user of the service read it, or {self.instead}") from None
        if status.st_mode & stat.S_IRWXO:
            reason = f"the {self.name} in {path} is open to every user of this machine: {self.remedy}"
            raise ConfigurationError(f"{reason}; `chmod 600 {path}` keeps one that no other user has read")
        if status.st_uid not in {0, os.geteuid()}:
            raise ConfigurationError(f"the {self.name} in {path} belongs to another user: {self.remedy}")
        secret = content.decode("latin-1").strip()
        if not _SECRET.fullmatch(secret):
            wrong = "holds more than one word of ASCII" if secret else "is empty"
            raise ConfigurationError(f"the file of the {self.name}, {path}, {wrong}: {self.remedy}")
        return secret

    def _make(self) -> None:
        """Write a new secret into the file, unless it exists by then; no reader ever sees half of it.

        Raises:
            ConfigurationError: the folder cannot be written to.
        """
        path = self.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Mode 0600 and O_EXCL under a name of its own; the link gives it the real name, or finds that taken.
            descriptor, unnamed = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
            try:
                with os.fdopen(descriptor, "w", encoding="ascii") as file:
                    file.write(f"{secrets.token_urlsafe(SECRET_BYTES)}\n")
                    file.flush()
                    os.fsync(descriptor)
                os.link(unnamed, path)
            finally:
                os.unlink(unnamed)
        except FileExistsError:
            return
        except OSError as error:
            reason = f"no {self.name} can be kept in {path} ({error.strerror})"
            raise ConfigurationError(f"{reason}: {self.elsewhere}") from None
