"""Read the administrator's token on the machine of the service."""

from __future__ import annotations

import os
from pathlib import Path

ADMIN_TOKEN_FILE = "data/admin_token"  # noqa: S105  (a path, not a token)


def read_admin_token(path: str | os.PathLike[str] = ADMIN_TOKEN_FILE) -> str:
    """Return the token in ADMIN_TOKEN of the environment, or the one that the service keeps in a file.

    Args:
        path: Path of the file, which the service prints when it starts; relative to the working folder.

    Raises:
        OSError: ADMIN_TOKEN is not set, and the file is not there or belongs to another user.
        ValueError: ADMIN_TOKEN is not set, and the file is empty.
    """
    token = os.environ.get("ADMIN_TOKEN") or Path(path).read_text(encoding="ascii").strip()
    if not token:
        raise ValueError(f"{path} is empty: it should hold the token of the administrator")
    return token
