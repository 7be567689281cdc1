"""`models list`: the versions of every horizon, and plan models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commands.console import show
from commands.options import Horizon, Json, OneTarget
from config.sources import load_settings

if TYPE_CHECKING:
    from rich.console import RenderableType

    from models.registry.metadata import ModelMetadata
    from models.registry.registries import Registries, RegistryKey


def list_models(target: OneTarget = None, horizon: Horizon = None, as_json: Json = False) -> None:
    """List every version, newest first; those of further horizons and plan models after those of the usual horizon."""
    from rich.console import Group

    from commands.tables.models import ROLES_IN_WORDS
    from models.registry.registries import Registries, key_of

    settings = load_settings()
    registries = Registries(settings)
    one = target is not None or horizon is not None
    first, *others = [key_of(settings, target, horizon)] if one else list(registries)
    document, table = _listed(registries, first)
    tables, further = [table], []
    for key in others:
        listed, table = _listed(registries, key)
        if listed["models"] or listed["unusable"]:
            further.append({"target": key.target, "horizon_candles": key.horizon, **listed})
            tables.append(table)
    show({**document, "further": further}, Group(*tables, ROLES_IN_WORDS), as_json)


def _listed(registries: Registries, key: RegistryKey) -> tuple[dict[str, Any], RenderableType]:
    """Return the versions of a registry as a document and as a table."""
    from commands.judging.shadows import known_shadows
    from commands.tables.models import alias_names, listed
    from commands.tables.shadows import shadow_lines
    from models.registry.trials import count_trials

    registry = registries.at(key)
    listing, aliases = registry.versions(), registry.aliases()
    called, shadows = alias_names(aliases), known_shadows(registries, key, aliases)
    trials = count_trials(registry.root, listing.models)
    document = {
        "models": [
            {
                **_summary(model, called.get(model.version, [])),
                "shadow": shadows.get(model.version),
                "trials": trials.get(model.version),
            }
            for model in listing.models
        ],
        "unusable": listing.unusable,
    }
    return document, listed(listing, aliases, trials, shadow_lines(shadows), title=key.models.capitalize())


def _summary(model: ModelMetadata, called: list[str]) -> dict[str, Any]:
    shown = {"version", "type", "symbol", "timeframe", "created_at", "horizon_candles", "metrics"}
    return {
        **model.model_dump(mode="json", include=shown),
        "target": model.target,
        "aliases": called,
        "shipped": model.shipped,
        "trained_until": model.trained_until_ms,
        "verdict": model.verdict.serves if model.verdict else None,
        "imported": model.data is None,
    }
