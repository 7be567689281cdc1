"""`evaluate --types`: compare several learners on the same folds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.candles.reading import read_markets, tell
from commands.console import show, stages
from config.files import whole_file
from config.model_settings import ModelSettings
from config.settings import FeatureSettings
from domain.errors import InvalidRequest
from domain.forecasting import ModelType
from domain.market import Timeframe
from utils.clock import SystemClock

if TYPE_CHECKING:
    from models.registry.registry import Registry
    from models.studies.rows import StudyResult, StudyRow


@dataclass(frozen=True)
class StudyArguments:
    """The arguments of a study; `types` are separated by commas."""

    types: str
    seeds: int
    files: tuple[Path, ...]
    symbol: str | None
    timeframe: Timeframe | None
    save: Path | None
    markdown: Path | None


def run_study(arguments: StudyArguments, models: ModelSettings, features: FeatureSettings, as_json: bool) -> None:
    """Run a study and print its table."""
    types = [_type(name.strip()) for name in arguments.types.split(",")]
    if arguments.markdown and not arguments.markdown.parent.is_dir():
        raise InvalidRequest(f"there is no folder {arguments.markdown.parent} to write {arguments.markdown.name} to")
    scope, read = read_markets(arguments.files, arguments.symbol, arguments.timeframe)
    markets = {market: candles.series for market, candles in read.items()}
    if not as_json:
        for file, candles in zip(arguments.files, read.values(), strict=True):
            tell(file, candles)
    timeframe = next(iter(markets.values())).timeframe

    from commands.tables.studies import study_markdown, study_table
    from models.registry.registry import Registry
    from models.studies.study import Study

    with stages() as listener:
        study = Study(types, arguments.seeds, markets, timeframe, models, features)
        result = study.run(listener, arguments.save, SystemClock().now)
    trials = _recorded(result, Registry.of(models), timeframe, list(markets))
    subject = f"{' '.join(markets)} {timeframe}"
    if arguments.markdown:
        with whole_file(arguments.markdown) as part:
            part.write_text(study_markdown(result, subject, trials), encoding="utf-8")
    document = {
        "symbol": scope,
        "markets": list(markets),
        "timeframe": timeframe,
        "trials": trials,
        **_document(result),
    }
    show(document, study_table(result, subject, trials), as_json)


def _recorded(result: StudyResult, registry: Registry, timeframe: Timeframe, markets: list[str]) -> int:
    """Record what was judged, and return how many settings were judged on these candles so far."""
    from models.registry.trials import ModelTrials, TrialCounts

    trials = ModelTrials(registry.root)
    trials.add(result.trials)
    counts = TrialCounts(trials.all(), registry.versions().models)
    return counts.on(markets, timeframe, result.first_ms, result.last_ms)


def _type(name: str) -> ModelType:
    try:
        return ModelType(name)
    except ValueError:
        raise InvalidRequest(f"{name!r} is no type of model; there are {', '.join(ModelType)}") from None


def _document(result: StudyResult) -> dict[str, Any]:
    return {
        "candles": result.candles,
        "folds": result.folds,
        "first_ms": result.first_ms,
        "last_ms": result.last_ms,
        "note": result.note,
        "rows": [_row(row) for row in result.rows],
    }


def _row(row: StudyRow) -> dict[str, Any]:
    compared = row.against_logistic
    return {
        "name": row.name,
        "metrics": row.scores.model_dump(mode="json"),
        "against_logistic": compared.model_dump(mode="json") if compared else None,
        "cpu_seconds": row.cpu_seconds,
        "made_at": row.made_at.isoformat() if row.made_at else None,
    }
