"""`evaluate`: score a version on candles that it was not trained on, or compare several learners."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.candles import tell
from commands.console import show, working
from commands.manager import model_manager
from commands.options import Backend, Epochs, Json, ScopeSymbol, Seed, SeriesTimeframe
from commands.study import StudyOrder, run_study
from commands.versions import choose_version
from config.settings import Settings
from config.sources import load_settings
from domain.errors import InvalidRequest
from domain.market import CandleSeries
from domain.trading.costs import Costs

if TYPE_CHECKING:
    from models.evaluation.equity import Backtest
    from models.model_manager import Evaluation

Bps = Annotated[
    float | None, typer.Option(min=0, max=4_999, help="Of the traded amount; from the settings by default.")
]


def evaluate(
    what: Annotated[
        list[str], typer.Argument(metavar="[VERSION] FILE", help="Without VERSION: the one in production.")
    ],
    symbol: ScopeSymbol = None,
    timeframe: SeriesTimeframe = None,
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
        now(f"reading {Path(what[-1]).name}")
        manager = model_manager(settings)
        *version, file = what
        chosen = choose_version(manager.registry, version[0] if version else None, Path(file), symbol, timeframe)
        now(f"asking {chosen.version}")
        found = manager.evaluate(chosen.version, chosen.symbol, chosen.series)
        backtest = _backtest(found, chosen.series, _costs(settings, fee_bps, slippage_bps), settings)
        pictures = _draw(plot, found, chosen.symbol, backtest) if plot else []
    if not as_json:
        tell(Path(file), chosen.read)

    from commands.tables.models import evaluated

    tables = evaluated(found, chosen.symbol, backtest.performance, pictures)
    show(_document(found, chosen.symbol, backtest, pictures), tables, as_json)


def _costs(settings: Settings, fee_bps: float | None, slippage_bps: float | None) -> Costs:
    evaluation = settings.models.evaluation
    return Costs(
        fee_bps=evaluation.fee_bps if fee_bps is None else fee_bps,
        slippage_bps=evaluation.slippage_bps if slippage_bps is None else slippage_bps,
    )


def _backtest(found: Evaluation, series: CandleSeries, costs: Costs, settings: Settings) -> Backtest:
    """Return the backtest of trading on the forecasts, from the first of them on."""
    import numpy as np

    from models.evaluation.equity import backtest

    times = series.times_ms
    positions = np.searchsorted(times, found.times_ms)
    probability = np.full(len(times), np.nan)
    probability[positions] = found.predictions.probability
    first = int(positions[0])
    opens = series.opens[first:]
    return backtest(probability[first:], opens, times[first:], costs, settings.models.serving)


def _draw(folder: Path, found: Evaluation, symbol: str, backtest: Backtest) -> list[Path]:
    from models.evaluation.plots import Subject, write_equity, write_reliability

    subject = Subject(found.model.version, symbol, found.model.timeframe)
    said = found.predictions
    paths = [folder / "reliability.png", folder / "equity.png"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_reliability(paths[0], said.probability, said.returns, found.times_ms, subject)
        write_equity(paths[1], backtest, subject)
    except OSError as error:
        raise InvalidRequest(f"{folder} cannot be written to: {error.strerror or error}") from error
    return paths


def _document(found: Evaluation, symbol: str, backtest: Backtest, pictures: list[Path]) -> dict[str, Any]:
    model = found.model
    return {
        "version": model.version,
        "type": model.type,
        "symbol": symbol,
        "timeframe": model.timeframe,
        "horizon_candles": model.horizon_candles,
        "first": _time(found.times_ms[0]),
        "last": _time(found.times_ms[-1]),
        "metrics": found.scores.model_dump(mode="json"),
        "baselines": {name: scores.model_dump(mode="json") for name, scores in found.baselines.items()},
        "plans": found.plans.model_dump(mode="json") if found.plans else None,
        "reliability": [entry.model_dump(mode="json") for entry in found.reliability],
        "performance": backtest.performance.model_dump(mode="json"),
        "pictures": [str(path) for path in pictures],
    }


def _time(time_ms: int) -> str:
    return datetime.fromtimestamp(int(time_ms) / 1000, UTC).isoformat()
