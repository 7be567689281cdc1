"""What the ledger says of candidates that shadow models in production, read for the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from domain.errors import StorageUnavailable
from models.registry.aliases import Aliases
from models.registry.registries import Registries, RegistryKey
from models.registry.shadows import ShadowFigures
from services.shadowing.beside import figures_beside
from services.shadowing.figures import public_shadows, shadows_of
from storage.factory import open_documents, open_ledger


def known_shadows(registries: Registries, key: RegistryKey, aliases: Aliases) -> dict[str, dict[str, Any]]:
    """Return the newest shadow of each version of a registry, JSON-like; without a store its figures are null."""
    settings = registries.settings
    figures: Mapping[str, ShadowFigures] = {}

    async def read() -> Mapping[str, ShadowFigures]:
        async with open_documents(settings.storage) as documents, open_ledger(settings.storage) as ledger:
            return await figures_beside(registries, key, aliases, (ledger, documents), datetime.now(UTC))

    if shadows_of(aliases):
        with suppress(StorageUnavailable):
            figures = asyncio.run(read())
    shadows = public_shadows(key, aliases, settings.models.shadow_forecasts, figures)
    return {
        shadow["version"]: {**shadow, "since": shadow["since"].isoformat(), "at": _iso(shadow["at"])}
        for shadow in shadows
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
