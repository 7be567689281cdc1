"""Chooses the store by the scheme of its URL."""

from __future__ import annotations

from datetime import timedelta

from config.settings import StorageSettings
from domain.errors import ConfigurationError
from storage.ports import Store
from storage.sqlite import SqliteStore

_SQLITE = "sqlite:///"
_MONGODB = ("mongodb://", "mongodb+srv://")


def build_store(settings: StorageSettings) -> Store:
    """Return the store of `settings.url`, not opened yet.

    `sqlite:///data/x.db` is relative to the working folder, `sqlite:////var/x.db` absolute.

    Raises:
        ConfigurationError: no store has this scheme, or the URL lacks a file or a database.
    """
    url = settings.url.get_secret_value()
    cache_retention = timedelta(hours=settings.cache_retention_hours)
    if url.startswith(_SQLITE):
        path = url.removeprefix(_SQLITE)
        if not path or path.endswith("/") or path == ":memory:":
            raise ConfigurationError("storage.url names no file; use sqlite:///data/trading_ai.db")
        return SqliteStore(path, cache_retention=cache_retention)
    if url.startswith(_MONGODB):
        from storage.mongo import MongoStore  # 48 MB that a service on SQLite does without

        return MongoStore(url, cache_retention=cache_retention)
    raise ConfigurationError("storage.url must be sqlite:///path/to/file.db or mongodb://host:27017/database")
