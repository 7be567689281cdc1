"""The administrator's token: the configured one, or one that the first start creates in a file."""

from __future__ import annotations

from pathlib import Path

from config.secrets.secret_file import SecretFile
from config.settings import Settings

FILE_NAME = "admin_token"
_INSTEAD = "set ADMIN_TOKEN"


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
    file = SecretFile(
        path,
        name="admin token",
        remedy=f"delete it, and the next start makes a new one; or {_INSTEAD}",
        instead=_INSTEAD,
        elsewhere=f"{_INSTEAD}, or access.admin_token_file to a place that the service may write to",
    )
    return _with(settings, admin_token_file=str(path), admin_token=file.secret())


def _with(settings: Settings, **values: object) -> Settings:
    return settings.model_copy(update={"access": settings.access.model_copy(update=values)})


def _path(settings: Settings) -> Path:
    """Return the path of the token: in the data folder, so that services with separate data share none."""
    if settings.access.admin_token_file:
        return Path(settings.access.admin_token_file)
    return settings.storage.data_folder / FILE_NAME
