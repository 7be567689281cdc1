"""`evaluate`: score a version on candles that it was not trained on, or compare several learners."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.candles import tell
from commands.console import show, working
from commands.manager import model_manager
from commands.options import Backend, Epochs, Json, Leader, ScopeSymbol, Seed, SeriesTimeframe
from commands.study import StudyOrder, run_study
from commands.versions import choose_version, read_leader
from config.sources import load_settings
from domain.errors import InvalidRequest
from utils.clock import SystemClock

if TYPE_CHECKING:
    from services.evaluating.run import EvaluationResult

Bps = Annotated[
    float | None, typer.Option(min=0, max=4_999, help="Of the traded amount; from the settings by default.")
]


def evaluate(
    what: Annotated[
        list[str], typer.Argument(metavar="[VERSION] FILE", help="Without VERSION: the one in production.")
    ],
    symbol: ScopeSymbol = None,
    timeframe: SeriesTimeframe = None,
    leader: Leader = None,
    plot: Annotated[Path | None, typer.Option(metavar="DIR", help="Write reliability.png and equity.png.")] = None,
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
    """Score a version on candles that it was not trained on, or compare several learners with --types."""
    settings = load_settings()
    if types is not None:
        if plot is not None:
            raise InvalidRequest("--plot draws one version; leave --types out")
        models = settings.models.trained_with(epochs=epochs, seed=seed, backend=backend)
        order = StudyOrder(types, seeds, tuple(map(Path, what)), symbol, timeframe, save, markdown)
        run_study(order, models, settings.features, as_json)
        return
    if len(what) > 2:
        raise InvalidRequest(f"evaluate takes a VERSION and a FILE, or a FILE alone; received {len(what)} arguments")
    with working() as now:
        from services.evaluating.order import EvaluationOrder
        from services.evaluating.run import run_evaluation

        now(f"reading {Path(what[-1]).name}")
        *version, file = what
        registry = model_manager(settings).registry
        chosen = choose_version(registry, version[0] if version else None, Path(file), symbol, timeframe)
        scored = EvaluationOrder.of(chosen.version, chosen.symbol, fee_bps, slippage_bps, settings)
        led_by = read_leader(registry, chosen, leader)
        clock = SystemClock()
        result = run_evaluation(scored, chosen.series, lambda progress: now(progress.stage), clock.now, led_by)
        pictures = _draw(plot, result, chosen.symbol) if plot else []
    if not as_json:
        tell(Path(file), chosen.read)

    from commands.judging.evaluated import evaluated

    tables = evaluated(result, chosen.symbol, pictures)
    show({**result.document, "pictures": list(map(str, pictures))}, tables, as_json)


def _draw(folder: Path, result: EvaluationResult, symbol: str) -> list[Path]:
    from models.evaluation.plots import Subject, write_equity, write_reliability

    model, whole = result.found.model, result.found.whole
    subject = Subject(model.version, symbol, model.timeframe)
    said = whole.predictions
    paths = [folder / "reliability.png", folder / "equity.png"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_reliability(paths[0], said.probability, said.returns, whole.times_ms, subject)
        write_equity(paths[1], result.backtest, subject)
    except OSError as error:
        raise InvalidRequest(f"{folder} cannot be written to: {error.strerror or error}") from error
    return paths
