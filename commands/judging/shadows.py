"""What the ledger says of candidates that shadow models in production, read for the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from config.settings import Settings
from domain.errors import StorageUnavailable
from models.registry.aliases import Aliases
from models.registry.shadows import ShadowFigures
from services.shadowing.figures import public_shadows, read_figures, shadows_of
from storage.factory import open_documents, open_ledger


def known_shadows(settings: Settings, aliases: Aliases) -> dict[str, dict[str, Any]]:
    """Return the newest shadow of each version that has one, JSON-like; without a store its figures are null."""
    shadows = [of.shadow for of in shadows_of(aliases).values() if of.shadow is not None]
    figures: Mapping[str, ShadowFigures] = {}

    async def read() -> Mapping[str, ShadowFigures]:
        async with open_documents(settings.storage) as documents, open_ledger(settings.storage) as ledger:
            return await read_figures(shadows, ledger, documents, datetime.now(UTC))

    if shadows:
        with suppress(StorageUnavailable):
            figures = asyncio.run(read())
    found = public_shadows(aliases, settings.models.shadow_forecasts, figures)
    return {one["version"]: {**one, "since": one["since"].isoformat(), "at": _iso(one["at"])} for one in found}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
