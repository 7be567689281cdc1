"""`models figures`: learners of one market and of several, judged on the same years, as tables and pictures."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.candles.reading import read_markets
from commands.console import say, show, stages, writing
from commands.options import Backend, Epochs, Json, Seed, moment_ms
from config.files import whole_file
from config.settings import Settings
from config.sources import load_settings
from domain.errors import InvalidRequest
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.market import CandleSeries, Timeframe
from utils.clock import SystemClock

if TYPE_CHECKING:
    from domain.jobs import JobProgress, TellProgress
    from models.studies.market_table import MarketTable
    from models.studies.rows import StudyResult

SINCE, UNTIL = datetime(2023, 1, 1), datetime(2024, 12, 31)  # noqa: DTZ001 - days, not moments
BOOSTERS = f"{ModelType.LOGISTIC}, {ModelType.XGBOOST}, {ModelType.LIGHTGBM}"
FirstDay = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day to judge, UTC.")]
LastDay = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day to judge, UTC.")]


def figures(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Candles, one file a market.")],
    save: Annotated[Path, typer.Option(metavar="DIR", help="Stores finished learners; an interrupted run resumes.")],
    markets: Annotated[str, typer.Option(help="Markets that get a table, separated by commas.")] = "BTCUSDT,ETHUSDT",
    types: Annotated[str, typer.Option(help="Trained on each market alone, separated by commas.")] = BOOSTERS,
    pooled: Annotated[
        str, typer.Option(help="Trained on all files together; an empty text for none.")
    ] = f"{ModelType.LOGISTIC}, {ModelType.LIGHTGBM}",
    since: FirstDay = SINCE,
    until: LastDay = UNTIL,
    document: Annotated[
        Path | None, typer.Option(metavar="FILE.md", help="Replaces the tables between their marks.")
    ] = None,
    pictures: Annotated[Path | None, typer.Option(metavar="DIR", help="Writes a picture of each table.")] = None,
    epochs: Epochs = None,
    seed: Seed = None,
    backend: Backend = None,
    as_json: Json = False,
) -> None:
    """Judge learners on some years, trained on the candles before, and write a table and a picture for each market."""
    if since > until:
        raise InvalidRequest("--since may not be after --until")
    settings = load_settings()
    models = settings.models.trained_with(epochs=epochs, seed=seed, backend=backend)
    settings = settings.model_copy(update={"models": models})
    _, read = read_markets(files, ANY_SYMBOL, None)
    end_ms = moment_ms(until + timedelta(days=1))
    candles = {market: found.series.closed_by(end_ms) for market, found in read.items()}
    wanted = [name.strip() for name in markets.split(",") if name.strip()]
    if not wanted:
        raise InvalidRequest("--markets: name a market, such as BTCUSDT")
    if unknown := [name for name in wanted if name not in candles]:
        raise InvalidRequest(f"there is no file of {', '.join(unknown)}")
    timeframe = next(iter(candles.values())).timeframe

    from commands.judging.market_tables import draw, markdown, replace_between_marks

    written, names = _read(document) if document else None, {market: f"{market}-{timeframe}" for market in wanted}
    for name in names.values() if written is not None else ():
        replace_between_marks(written or "", name, "")  # before hours of training, not after them
    if pictures is not None:
        with writing(pictures):
            pictures.mkdir(parents=True, exist_ok=True)
    texts, documents = list[str](), list[dict[str, object]]()
    for table, trials in _tables(candles, wanted, _types(types), _types(pooled), moment_ms(since), save, settings):
        name = names[table.symbol]
        picture = (pictures or Path("pictures")) / f"learners-{name}.png"
        if pictures is not None:
            with whole_file(picture) as part:
                draw(part, table, timeframe)
        seen_from = picture.name if document is None else os.path.relpath(picture, document.parent)
        text = markdown(table, timeframe, trials, seen_from)
        if written is not None:
            written = replace_between_marks(written, name, text)
        texts.append(text)
        documents.append(_document(table, trials, picture if pictures else None))
    if document is not None and written is not None:
        with whole_file(document) as part:
            part.write_text(written, encoding="utf-8")
    show({"timeframe": timeframe, "tables": documents}, "\n\n".join(texts), as_json)


def _tables(
    candles: Mapping[str, CandleSeries],
    wanted: Sequence[str],
    types: Sequence[ModelType],
    pooled: Sequence[ModelType],
    since_ms: int,
    save: Path,
    settings: Settings,
) -> list[tuple[MarketTable, int]]:
    """Return the table of each wanted market, and the number of trials on its candles."""
    from models.evaluation.gate import PromotionGate
    from models.registry.registry import Registry
    from models.registry.trials import ModelTrials, TrialCounts
    from models.studies.market_table import market_table
    from models.studies.study import Study

    registry, clock = Registry.of(settings.models), SystemClock()
    record = ModelTrials(registry.root)

    def judged(series: Mapping[str, CandleSeries], kinds: Sequence[ModelType]) -> StudyResult:
        what = next(iter(series)) if len(series) == 1 else f"{len(series)} markets"
        say(f"{what}: {', '.join(kinds)}")
        timeframe: Timeframe = next(iter(series.values())).timeframe
        with stages() as listener:
            study = Study(kinds, 1, series, timeframe, settings.models, settings.features, since_ms)
            result = study.run(_under(listener, what), save, clock.now)
        record.add(result.trials)
        return result

    # PatchTST has longer windows and targets, and would take rows from all.
    alone = [kind for kind in types if kind is not ModelType.PATCHTST]
    together = judged(candles, pooled) if pooled and len(candles) > 1 else None
    horizon, seed = settings.features.horizon_candles, settings.models.training.seed
    gate = PromotionGate.of(settings.models.evaluation, horizon, seed)
    found = []
    for market in wanted:
        own = {market: candles[market]}
        studies = {"": judged(own, alone or [ModelType.LOGISTIC])}
        if ModelType.PATCHTST in types:
            studies[" "] = _only(judged(own, [ModelType.PATCHTST]), [ModelType.PATCHTST])
        if together is not None:
            studies[f", {len(candles)} markets"] = _only(together, pooled)
        found.append(market_table(market, candles[market], studies, gate))
    counts = TrialCounts(record.all(), registry.versions().models)
    timeframe = next(iter(candles.values())).timeframe
    return [(table, counts.on([table.symbol], timeframe, table.first_ms, table.last_ms)) for table in found]


def _under(listener: TellProgress, what: str) -> TellProgress:
    """Return a listener that names what is trained before each stage."""

    def tell(progress: JobProgress) -> None:
        listener(progress.model_copy(update={"stage": f"{what}, {progress.stage}"}))

    return tell


def _only(result: StudyResult, kinds: Sequence[ModelType]) -> StudyResult:
    """Return a study with the rows of some learners, and of their combinations."""
    names = {str(kind) for kind in kinds}
    return replace(result, rows=tuple(row for row in result.rows if row.name in names or " of " in row.name))


def _types(names: str) -> list[ModelType]:
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in {str(kind) for kind in ModelType}]:
        raise InvalidRequest(f"{unknown[0]!r} is no type of model; there are {', '.join(ModelType)}")
    return [ModelType(name) for name in wanted]


def _read(document: Path) -> str:
    try:
        return document.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{document} cannot be read: {error}") from error


def _document(table: MarketTable, trials: int, picture: Path | None) -> dict[str, Any]:
    return {
        "symbol": table.symbol,
        "first_ms": table.first_ms,
        "last_ms": table.last_ms,
        "trials": trials,
        "picture": str(picture) if picture else None,
        "rows": [
            {
                "name": row.name,
                "metrics": row.scores.model_dump(mode="json"),
                "against_logistic": row.against_logistic.model_dump(mode="json") if row.against_logistic else None,
                "cpu_seconds": row.cpu_seconds,
                "made_at": row.made_at.isoformat() if row.made_at else None,
                "settings": row.settings,
            }
            for row in table.rows
        ],
    }
