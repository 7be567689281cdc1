"""What `models list` and `models show` say of candidates that shadow models in production."""

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
    found = public_shadows(key, aliases, settings.models.shadow_forecasts, figures)
    return {one["version"]: {**one, "since": one["since"].isoformat(), "at": _iso(one["at"])} for one in found}


def shadow_in_words(shadow: Mapping[str, Any]) -> str:
    """Return a sentence on a shadow, with its figures."""
    if shadow["state"] != "shadowing":
        return f"{shadow['state']} beside {shadow['production']}: {shadow['reason']}"
    said = f"beside {shadow['production']} since {shadow['since']}"
    if shadow["settled"] is None:
        return f"{said}; the ledger does not answer"
    gain = "" if shadow["brier_gain"] is None else f", mean gain in Brier loss {shadow['brier_gain']:+.4f}"
    ends = "" if shadow["low"] is None else f" [{shadow['low']:+.4f}, {shadow['high']:+.4f}]"
    return f"{said}: {shadow['settled']} of {shadow['needed']} forecasts settled{gain}{ends}"


def shadow_lines(shadows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line for each candidate that shadows now."""
    return [f"{one} {shadow_in_words(of)}" for one, of in shadows.items() if of["state"] == "shadowing"]


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
