"""A registry as it was at a moment in the past."""

from __future__ import annotations

from datetime import datetime

from models.registry.aliases import Aliases
from models.registry.registry import Registry


class PastRegistry(Registry):
    """The registry with the aliases of a moment; versions are those on disk now."""

    def __init__(self, registry: Registry, moment: datetime) -> None:
        """Take the registry of now, and the moment, aware UTC."""
        super().__init__(registry.root, registry.shipped)
        self._moment = moment

    def aliases(self) -> Aliases:
        """Return the aliases of the moment."""
        return super().aliases().at(self._moment)
