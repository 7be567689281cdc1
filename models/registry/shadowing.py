"""Shadows in the registry: begun, promoted and refused, each in one step under the lock of the folder."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from models.registry.aliases import ScopeAliases, read_aliases, write_aliases
from models.registry.durable_files import locked
from models.registry.registry import Registry
from models.registry.shadows import Shadow, ShadowFigures, ended


def begin_shadow(registry: Registry, version: str, reason: str, at: datetime) -> bool:
    """Let a version shadow the one in production of its symbol and timeframe.

    Args:
        registry: Has the version.
        version: What may replace it; its files are verified first.
        reason: The decision of the gate.
        at: Aware UTC time.

    Returns:
        False where nothing is in production, or where the two forecast different closes, which nothing compares.

    Raises:
        ModelNotFound, ModelCorrupt: one of the two cannot serve.
    """
    candidate = registry.verify(version)
    with locked(registry.root):
        aliases = read_aliases(registry.root)
        scope = aliases.of(*candidate.scope)
        if scope.production is None or scope.production == version:
            return False
        if candidate.horizon_candles != registry.open(scope.production).metadata.horizon_candles:
            return False
        shadow = Shadow(version=version, production=scope.production, since=at, reason=reason)
        write_aliases(registry.root, aliases.replaced(scope.shadowing(shadow)))
        return True


def promote_shadow(registry: Registry, scope: ScopeAliases, why: str, figures: ShadowFigures, at: datetime) -> bool:
    """Put the candidate of a shadow into production; False where that shadow has ended meanwhile.

    Args:
        registry: Has the version, whose files are verified first.
        scope: The aliases by which it was decided.
        why: In words, with the figures.
        figures: By which it was decided.
        at: Aware UTC time.

    Raises:
        ModelNotFound, ModelCorrupt: it cannot serve; the shadow goes on.
    """

    def promoted(now: ScopeAliases, shadow: Shadow) -> ScopeAliases:
        registry.verify(shadow.version)
        return now.promoted(shadow.version, at, "shadow", why, figures)

    return _change(registry, scope, promoted)


def refuse_shadow(registry: Registry, scope: ScopeAliases, why: str, figures: ShadowFigures, at: datetime) -> bool:
    """End a shadow without a change of what serves; arguments and answer as those of `promote_shadow`."""

    def refused(now: ScopeAliases, shadow: Shadow) -> ScopeAliases:
        return now.without_shadow(ended(shadow, at, "refused", why, figures))

    return _change(registry, scope, refused)


def _change(registry: Registry, scope: ScopeAliases, changed: Callable[[ScopeAliases, Shadow], ScopeAliases]) -> bool:
    """Write the changed aliases, unless the shadow has ended since they were read; return whether they are written."""
    with locked(registry.root):
        aliases = read_aliases(registry.root)
        now = aliases.of(scope.symbol, scope.timeframe)
        if now.shadow is None or now.shadow != scope.shadow:
            return False
        write_aliases(registry.root, aliases.replaced(changed(now, now.shadow)))
        return True
