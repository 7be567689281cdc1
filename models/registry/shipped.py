"""The versions that come with the service: read, never written, and beneath those of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from config.model_settings import ModelSettings
from domain.errors import AppError, ModelUnusable
from models.registry.aliases import Aliases, read_aliases
from models.registry.version_names import check_version_name

# The folder of the code, from which the path in the settings counts.
_HOME = Path(__file__).resolve().parents[2]
COMES_WITH = "comes with the service and serves until a version of your own does; models.shipped: false switches it off"


class ShippedVersions:
    """A folder like that of a registry, made by `cli.py models build-default`; or none."""

    def __init__(self, root: Path | None) -> None:
        """Keep the folder, which need not be there; None has no versions."""
        self.root = root.resolve() if root is not None else None

    @classmethod
    def of(cls, settings: ModelSettings) -> Self:
        """Return those of the settings, none where they are switched off."""
        return cls(_HOME / settings.shipped_path if settings.shipped else None)

    def folder(self, version: str) -> Path | None:
        """Return the folder of a version; None of other versions."""
        folder = self.root / version if self.root is not None else None
        return folder if folder is not None and folder.is_dir() else None

    def names(self) -> list[str]:
        """Return the names of the versions."""
        if self.root is None or not self.root.is_dir():
            return []
        return sorted(path.name for path in self.root.iterdir() if is_version(path.name))

    def aliases(self) -> Aliases:
        """Return which of them serve; none where their file of aliases cannot be read, which `damage` tells."""
        try:
            return read_aliases(self.root) if self.root is not None else Aliases()
        except ModelUnusable:
            return Aliases()

    def damage(self) -> str | None:
        """Return why none of them can serve, in words; None where they can."""
        try:
            if self.root is not None:
                read_aliases(self.root)
        except ModelUnusable as error:
            return error.message
        return None


def is_version(name: str) -> bool:
    """Return whether a version can have this name."""
    try:
        check_version_name(name)
    except AppError:
        return False
    return True
