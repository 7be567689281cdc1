"""The service's name and version; the version's home is pyproject.toml."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

SERVICE_NAME = "AI Trading Signal Service"


@lru_cache(maxsize=1)
def service_version() -> str:
    """Return the version written in pyproject.toml."""
    project_file = Path(__file__).resolve().parent.parent / "pyproject.toml"
    with project_file.open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])
