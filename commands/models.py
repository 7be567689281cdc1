"""`models`: manage the versions in the registry."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.candles.reading import checked_scope
from commands.console import show, working
from commands.manager import holder_of
from commands.options import Horizon, Json, OneTarget, Version
from config.sources import load_settings
from domain.errors import InvalidRequest
from domain.forecasting import ModelTarget, ModelType
from domain.market import Timeframe

if TYPE_CHECKING:
    from models.registry.registries import RegistryKey
    from services.drift.findings import DriftFinding, Place

Market = Annotated[str, typer.Option(help="Market, or * for the model of all markets.")]
Candles = Annotated[Timeframe, typer.Option(help="Timeframe.")]
Target = Annotated[ModelTarget, typer.Option(help="Of the models of the close, or of plan models.")]

models = typer.Typer(
    help="Manage the versions of every horizon: list, show, compare, verify, promote, roll back, prune, import.",
    no_args_is_help=True,
)


@models.command("show")
def show_model(version: Version, horizon: Horizon = None, as_json: Json = False) -> None:
    """Show everything about a version."""
    from rich.console import Group

    from commands.judging.recalibrations import recalibrated_tables
    from commands.judging.shadows import known_shadows
    from commands.tables.models import alias_names, shown
    from commands.tables.shadows import shadow_in_words
    from models.recalibration.recalibration_file import read_recalibrations
    from models.registry.registries import Registries
    from models.registry.trials import count_trials

    settings = load_settings()
    registries = Registries(settings)
    key = registries.holder(version, horizon)
    registry = registries.at(key)
    model, aliases = registry.open(version).metadata, registry.aliases()
    called = alias_names(aliases).get(version, [])
    shadow = known_shadows(registries, key, aliases).get(version)
    trials = count_trials(registry.root, registry.versions().models).get(version)
    recalibrations = read_recalibrations(registry.root).of(version)
    document = {
        **model.model_dump(mode="json"),
        "target": model.target,
        "aliases": called,
        "shadow": shadow,
        "trials": trials,
        "recalibrations": [one.model_dump(mode="json") for one in recalibrations],
    }
    table = shown(model, called, trials, shadow_in_words(shadow) if shadow else None)
    show(document, Group(table, *recalibrated_tables(recalibrations)), as_json)


@models.command("verify")
def verify_model(version: Version, horizon: Horizon = None, as_json: Json = False) -> None:
    """Read every file of a version, and of its members: each has to be the one that was written."""
    _, registry = holder_of(load_settings(), version, horizon)
    files = list(registry.verify(version).files)
    words = f"{version}: {len(files)} files, each the one that was written"
    show({"version": version, "files": files}, words, as_json)


@models.command("compare")
def compare_models(first: Version, second: Version, as_json: Json = False) -> None:
    """Show the figures of two versions side by side."""
    from commands.tables.models import compared
    from models.registry.comparison import compare

    settings = load_settings()
    one, other = (holder_of(settings, version)[1].open(version).metadata for version in (first, second))
    found = compare(one, other)
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
    horizon: Horizon = None,
    as_json: Json = False,
) -> None:
    """Put a version into production, whatever the gate decided."""
    if force is None:
        raise InvalidRequest("the gate promotes when a model is trained; to decide otherwise, say why: --force REASON")
    key, registry = holder_of(load_settings(), version, horizon)
    registry.promote(version, by="forced", reason=force, at=datetime.now(UTC))
    _tell_production(key, *registry.open(version).metadata.scope, version, as_json)


@models.command("rollback")
def roll_back(
    symbol: Market,
    timeframe: Candles,
    reason: Annotated[str, typer.Option(help="Reason to record.")],
    target: Target = "close",
    horizon: Horizon = None,
    as_json: Json = False,
) -> None:
    """Put the previous version into production again."""
    from models.registry.registries import Registries, key_of

    settings, scope = load_settings(), checked_scope(symbol)
    key = key_of(settings, target, horizon)
    version = Registries(settings).at(key).rollback(scope, timeframe, reason=reason, at=datetime.now(UTC))
    _tell_production(key, scope, timeframe, version, as_json)


@models.command("prune")
def prune_models(
    keep: Annotated[
        int | None, typer.Option(min=1, help="Versions of each market and horizon; from the settings by default.")
    ] = None,
    target: OneTarget = None,
    horizon: Horizon = None,
    as_json: Json = False,
) -> None:
    """Delete all but the newest versions of each market and horizon; those that serve, and their members, are kept."""
    from models.registry.registries import Registries, key_of

    settings = load_settings()
    one = target is not None or horizon is not None
    keys = (key_of(settings, target, horizon),) if one else None
    pruned = Registries(settings).prune(keep or settings.models.keep_versions, keys)
    lines = [f"{len(pruned.deleted)} deleted, {len(pruned.kept)} kept", *(f"- {version}" for version in pruned.deleted)]
    show({"deleted": list(pruned.deleted), "kept": list(pruned.kept)}, "\n".join(lines), as_json)


@models.command("drift")
def drift_of_models(as_json: Json = False) -> None:
    """Show how far the markets of the models in production are from those of their training."""
    import asyncio

    from commands.tables.drift import drift_listed
    from models.registry.registries import Registries
    from services.drift.kept_findings import findings_of, kept_findings, models_of
    from storage.factory import open_documents

    settings = load_settings()
    registries = Registries(settings)
    every = [(key, scope) for key in registries for scope in registries.at(key).aliases().scopes]
    serving = {(key, scope.symbol, scope.timeframe): scope.production for key, scope in every}

    async def kept() -> dict[Place, DriftFinding]:
        async with open_documents(settings.storage) as documents:
            return await kept_findings(documents)

    found = findings_of(asyncio.run(kept()), models_of(registries, serving))
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
    from models.registry.registry import Registry
    from models.training.importing import import_network
    from models.training.training_run import TrainingRequest

    settings = load_settings()
    request = TrainingRequest(kind, checked_scope(symbol), timeframe)
    registry, now = Registry.of(settings.models), datetime.now(UTC)
    with working() as doing:
        doing(f"importing {file.name}")
        model = import_network(registry, file, scaler, request, settings.models, settings.features, now)
    show(model.model_dump(mode="json"), shown(model, ()), as_json)


def _tell_production(key: RegistryKey, symbol: str, timeframe: Timeframe, version: str | None, as_json: bool) -> None:
    document = {"symbol": symbol, "timeframe": timeframe, "production": version}
    show(document, f"in production for {key.market(f'{symbol} {timeframe}')}: {version or 'nothing'}", as_json)
