"""`models`: manage the versions in the registry."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.candles import checked_scope
from commands.console import show, working
from commands.manager import model_manager
from commands.options import Json, Version
from config.sources import load_settings
from domain.errors import InvalidRequest
from domain.forecasting import ModelTarget, ModelType
from domain.market import Timeframe

if TYPE_CHECKING:
    from models.registry.metadata import ModelMetadata
    from models.registry.registry import Registry

Market = Annotated[str, typer.Option(help="Market, or * for the model of all markets.")]
Candles = Annotated[Timeframe, typer.Option(help="Timeframe.")]
Target = Annotated[ModelTarget, typer.Option(help="Of the models of the close, or of plan models.")]

models = typer.Typer(
    help="Manage the versions: list, show, compare, promote, roll back, prune, import.", no_args_is_help=True
)


@models.command("list")
def list_models(target: Target = "close", as_json: Json = False) -> None:
    """List every version, newest first; plan models with --target plan."""
    from commands.tables.models import alias_names, listed
    from commands.tables.shadows import known_shadows, shadow_lines
    from models.registry.trials import count_trials

    settings = load_settings()
    registry = _registry(target)
    listing, aliases = registry.versions(), registry.aliases()
    called, shadows = alias_names(aliases), known_shadows(settings, aliases)
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
    show(document, listed(listing, aliases, trials, shadow_lines(shadows)), as_json)


@models.command("show")
def show_model(version: Version, as_json: Json = False) -> None:
    """Show everything about a version."""
    from rich.console import Group

    from commands.judging.recalibrations import recalibrated_tables
    from commands.tables.models import alias_names, shown
    from commands.tables.shadows import known_shadows, shadow_in_words
    from models.recalibration.kept import read_recalibrations
    from models.registry.trials import count_trials

    settings = load_settings()
    registry = _registry_of(version)
    model, aliases = registry.open(version).metadata, registry.aliases()
    called = alias_names(aliases).get(version, [])
    shadow = known_shadows(settings, aliases).get(version)
    trials = count_trials(registry.root, registry.versions().models).get(version)
    recalibrations = read_recalibrations(registry.root).of(version)
    document = {
        **model.model_dump(mode="json"),
        "aliases": called,
        "shadow": shadow,
        "trials": trials,
        "recalibrations": [one.model_dump(mode="json") for one in recalibrations],
    }
    table = shown(model, called, trials, shadow_in_words(shadow) if shadow else None)
    show(document, Group(table, *recalibrated_tables(recalibrations)), as_json)


@models.command("compare")
def compare_models(first: Version, second: Version, as_json: Json = False) -> None:
    """Show the figures of two versions side by side."""
    from commands.tables.models import compared

    found = _registry_of(first).compare(first, second)
    document = {
        "first": first,
        "second": second,
        "same_data": found.same_data,
        "figures": [
            {"name": figure.name, "first": figure.first, "second": figure.second, "difference": figure.difference}
            for figure in found.figures
        ],
    }
    show(document, compared(found), as_json)


@models.command("promote")
def promote_model(
    version: Version,
    force: Annotated[
        str | None, typer.Option(metavar="REASON", help="Reason; the version is recorded as forced.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put a version into production, whatever the gate decided."""
    if force is None:
        raise InvalidRequest("the gate promotes when a model is trained; to decide otherwise, say why: --force REASON")
    registry = _registry_of(version)
    registry.promote(version, by="forced", reason=force, at=datetime.now(UTC))
    model = registry.open(version).metadata
    _tell_production(model.symbol, model.timeframe, version, as_json)


@models.command("rollback")
def roll_back(
    symbol: Market,
    timeframe: Candles,
    reason: Annotated[str, typer.Option(help="Reason to record.")],
    target: Target = "close",
    as_json: Json = False,
) -> None:
    """Put the previous version into production again."""
    scope = checked_scope(symbol)
    version = _registry(target).rollback(scope, timeframe, reason=reason, at=datetime.now(UTC))
    _tell_production(scope, timeframe, version, as_json)


@models.command("prune")
def prune_models(
    keep: Annotated[
        int | None, typer.Option(min=1, help="Versions of each market; from the settings by default.")
    ] = None,
    target: Target = "close",
    as_json: Json = False,
) -> None:
    """Delete all but the newest versions of each market; versions that serve, and their members, are kept."""
    settings = load_settings()
    pruned = _registry(target).prune(keep or settings.models.keep_versions)
    lines = [f"{len(pruned.deleted)} deleted, {len(pruned.kept)} kept", *(f"- {version}" for version in pruned.deleted)]
    show({"deleted": list(pruned.deleted), "kept": list(pruned.kept)}, "\n".join(lines), as_json)


@models.command("drift")
def drift_of_models(as_json: Json = False) -> None:
    """Show how far the markets of the models in production are from those of their training."""
    import asyncio

    from commands.tables.drift import drift_listed
    from services.drift.kept import findings_of, kept_findings, models_of
    from storage.factory import open_documents

    settings, registry = load_settings(), _registry()
    serving = {(of.symbol, of.timeframe): of.production for of in registry.aliases().scopes}

    async def kept() -> Any:
        async with open_documents(settings.storage) as documents:
            return await kept_findings(documents)

    found = findings_of(asyncio.run(kept()), models_of(registry, serving))
    show({"models": [one.public() for one in found]}, drift_listed(found), as_json)


@models.command("import")
def import_model(
    file: Annotated[Path, typer.Argument(help="A trained network: .h5 or .keras.")],
    kind: Annotated[ModelType, typer.Option("--type", help="Type of the network.")],
    symbol: Market,
    timeframe: Candles,
    scaler: Annotated[Path, typer.Option(help="Scaler of its inputs, JSON like scaler.json of a version.")],
    as_json: Json = False,
) -> None:
    """Register a Keras network that was trained elsewhere; it has no scores, so only --force promotes it."""
    from commands.tables.models import shown
    from models.training.importing import import_network
    from models.training.training_run import TrainingRequest

    settings = load_settings()
    request = TrainingRequest(kind, checked_scope(symbol), timeframe)
    now = datetime.now(UTC)
    with working() as doing:
        doing(f"importing {file.name}")
        model = import_network(_registry(), file, scaler, request, settings.models, settings.features, now)
    show(model.model_dump(mode="json"), shown(model, ()), as_json)


def _registry(target: ModelTarget = "close") -> Registry:
    from models.plan_registry import plan_registry

    settings = load_settings()
    return plan_registry(settings.models) if target == "plan" else model_manager(settings).registry


def _registry_of(version: str) -> Registry:
    """Return the registry of a version, whose name says which one it is."""
    from models.registry.version_names import PLAN_PREFIX

    return _registry("plan" if version.startswith(PLAN_PREFIX) else "close")


def _summary(model: ModelMetadata, called: list[str]) -> dict[str, Any]:
    told = {"version", "type", "symbol", "timeframe", "created_at", "horizon_candles", "metrics"}
    return {
        **model.model_dump(mode="json", include=told),
        "aliases": called,
        "shipped": model.shipped,
        "trained_until": model.trained_until_ms,
        "verdict": model.verdict.serves if model.verdict else None,
        "imported": model.data is None,
    }


def _tell_production(symbol: str, timeframe: Timeframe, version: str | None, as_json: bool) -> None:
    document = {"symbol": symbol, "timeframe": timeframe, "production": version}
    show(document, f"in production for {symbol} {timeframe}: {version or 'nothing'}", as_json)
