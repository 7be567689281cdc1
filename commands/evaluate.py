"""`evaluate`: score a version on candles that it was not trained on, or compare several learners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.candles.reading import tell
from commands.console import show, working
from commands.options import Backend, Bps, Epochs, Horizon, Json, Leader, OneTarget, ScopeSymbol, Seed, SeriesTimeframe
from commands.study import StudyArguments, run_study
from commands.versions import ChosenVersion, choose_version, read_leader
from config.sources import load_settings
from domain.errors import InvalidRequest
from domain.market import CandleSeries, Timeframe

if TYPE_CHECKING:
    from models.registry.registry import Registry


def evaluate(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="[VERSION] FILE...",
            help="Without VERSION: the one in production. A file of the leading market serves the others.",
        ),
    ],
    symbol: ScopeSymbol = None,
    timeframe: SeriesTimeframe = None,
    leader: Leader = None,
    target: OneTarget = None,
    horizon: Horizon = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write reliability.png and, of models of the close, equity.png.")
    ] = None,
    fee_bps: Bps = None,
    slippage_bps: Bps = None,
    types: Annotated[
        str | None, typer.Option(help="Train these types, separated by commas, on FILE... and compare them instead.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="With --types: number of seeds of each network.")] = 1,
    epochs: Epochs = None,
    seed: Seed = None,
    backend: Backend = None,
    save: Annotated[
        Path | None, typer.Option(metavar="DIR", help="With --types: store finished learners, and resume from them.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="With --types: write the table.")] = None,
    as_json: Json = False,
) -> None:
    """Score a version on candles that it was not trained on, or compare several learners with --types.

    A plan model is scored beside the evidence, on the plans that the rules gave in these candles.
    """
    settings = load_settings()
    if types is not None:
        costs = {"--fee-bps": fee_bps, "--slippage-bps": slippage_bps}
        of_a_version = {"--plot": plot, "--leader": leader, "--target": target, "--horizon": horizon, **costs}
        _leave_out(of_a_version, "of one version; leave --types out")
        models = settings.models.trained_with(epochs=epochs, seed=seed, backend=backend)
        parameters = StudyArguments(types, seeds, tuple(map(Path, what)), symbol, timeframe, save, markdown)
        run_study(parameters, models, settings.features, as_json)
        return
    training = {"--epochs": epochs, "--seed": seed, "--backend": backend, "--seeds": None if seeds == 1 else seeds}
    of_a_study = {**training, "--save": save, "--markdown": markdown}
    _leave_out(of_a_study, "of learners that are trained and compared; name them by --types")
    version, files = _version_and_files(what)
    if len(files) > 1 and (plot or symbol):
        raise InvalidRequest(f"{len(files)} files are scored one by one: leave --plot and --symbol out")
    from models.registry.registries import Registries, key_of

    found = []
    with working() as now:
        from commands.judging.scoring import score
        from services.evaluating.parameters import EvaluationParameters

        now(f"reading {', '.join(file.name for file in files)}")
        registries = Registries(settings)
        key = registries.holder(version, horizon) if version else key_of(settings, target, horizon)
        registry = registries.at(key)
        chosen = [choose_version(registry, version, file, symbol, timeframe) for file in files]
        leaders = _leaders(registry, chosen, leader)
        for candles in chosen:
            name = registry.open(candles.version).metadata.leader(candles.symbol)
            scored = EvaluationParameters.of(candles.version, candles.symbol, fee_bps, slippage_bps, settings, key)
            beside = leaders.get((name, candles.series.timeframe)) if name else None
            found.append(score(scored, candles, beside, plot, now))
    if not as_json:
        for file, candles in zip(files, chosen, strict=True):
            tell(file, candles.read)

    from rich.console import Group

    documents, tables = zip(*found, strict=True)
    show(documents[0] if len(files) == 1 else {"evaluations": list(documents)}, Group(*tables), as_json)


def _leave_out(options: Mapping[str, object], words: str) -> None:
    """Refuse options that would be left unread."""
    if given := [name for name, value in options.items() if value is not None]:
        raise InvalidRequest(f"{', '.join(given)}: {words}")


def _version_and_files(what: Sequence[str]) -> tuple[str | None, list[Path]]:
    """Return the version that comes first, if one does, and the files; a name with an ending is that of a file."""
    first = Path(what[0])
    if len(what) == 1 or first.suffix or first.exists():
        return None, list(map(Path, what))
    return what[0], list(map(Path, what[1:]))


def _leaders(
    registry: Registry, chosen: Sequence[ChosenVersion], file: Path | None
) -> dict[tuple[str, Timeframe], CandleSeries]:
    """Return the candles by market and timeframe: those that are scored, and of `--leader`.

    Raises:
        InvalidRequest: two files have the same market, or nothing reads the file of the leader.
    """
    found: dict[tuple[str, Timeframe], CandleSeries] = {}
    for candles in chosen:
        market = candles.symbol, candles.series.timeframe
        if market in found:
            raise InvalidRequest(f"there are two files of {candles.symbol} {candles.series.timeframe}")
        found[market] = candles.series
    if file is not None:
        # Versions and timeframes may differ; the first market that is led has the say.
        models = [(registry.open(candles.version).metadata, candles) for candles in chosen]
        model, candles = next((pair for pair in models if pair[0].leader(pair[1].symbol)), models[0])
        given = read_leader(model, [candles.symbol], candles.series.timeframe, file)
        found |= {(name, candles.series.timeframe): series for name, series in given.items()}
    return found
