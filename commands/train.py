"""`train`: train a model on files of candles, register it, and print the gate's verdict."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.candles.reading import read_markets, tell
from commands.console import show, stages
from commands.manager import model_manager, plan_training
from commands.options import Backend, Epochs, Horizon, Json, ScopeSymbol, Seed, SeriesTimeframe
from config.sources import load_settings
from domain.errors import InvalidRequest
from domain.forecasting import ModelTarget, ModelType

if TYPE_CHECKING:
    from models.model_manager import TrainingOutcome


def train(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Candles; several files train one model of all markets.")
    ],
    kind: Annotated[
        ModelType | None,
        typer.Option("--type", help="Type of model; from the settings by default, logistic of plans."),
    ] = None,
    target: Annotated[
        ModelTarget,
        typer.Option(help="What it forecasts: the close, or of plans that the rules give whether the target is first."),
    ] = "close",
    symbol: ScopeSymbol = None,
    timeframe: SeriesTimeframe = None,
    horizon: Horizon = None,
    epochs: Epochs = None,
    seed: Seed = None,
    backend: Backend = None,
    force: Annotated[
        str | None, typer.Option(metavar="REASON", help="Promote whatever the gate decides, for this reason.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a model, score it out of sample, register it, and promote it if the gate allows."""
    settings = load_settings()
    if force is not None and not force.strip():
        raise InvalidRequest("--force needs a reason to record")
    scope, read = read_markets(files, symbol, timeframe)
    markets = {market: candles.series for market, candles in read.items()}
    if not as_json:
        for file, candles in zip(files, read.values(), strict=True):
            tell(file, candles)

    from commands.tables.models import trained
    from models.registry.registries import key_of, settings_at
    from models.training.training_run import TrainingRequest
    from services.training.plan_types import chosen_type

    kind = chosen_type(kind, target, settings.models.default_type)
    request = TrainingRequest(kind, scope, next(iter(markets.values())).timeframe)
    chosen = settings.models.trained_with(epochs=epochs, seed=seed, backend=backend)
    manage = plan_training if target == "plan" else model_manager
    trainer = manage(settings_at(settings.model_copy(update={"models": chosen}), key_of(settings, target, horizon)))
    started = monotonic()
    with stages() as listener:
        outcome = trainer.train(request, markets, listener, force)
    show(_document(outcome, monotonic() - started), trained(outcome), as_json)


def _document(outcome: TrainingOutcome, seconds: float) -> dict[str, Any]:
    model, verdict = outcome.model.model_dump(mode="json"), outcome.verdict
    shown = (
        "version",
        "type",
        "symbol",
        "timeframe",
        "metrics",
        "baselines",
        "data",
        "members",
        "plans",
        "judged_plans",
        "seed",
        "parameters",
    )
    return {
        **{key: model[key] for key in shown},
        "promoted": verdict.promoted,
        "forced": verdict.forced,
        "verdict": verdict.serves,
        "reasons": list(verdict.reasons),
        "comparisons": [comparison.model_dump(mode="json") for comparison in verdict.comparisons],
        "production": outcome.production,
        "seconds": round(seconds, 3),
    }
