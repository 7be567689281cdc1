"""The versions that come with the service: trained on files of coins, judged on later years."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from config.settings import Settings
from config.watch_settings import EvaluationSettings
from domain.errors import InvalidRequest, TrainingFailed
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.jobs import TellProgress
from domain.market import CandleSeries, Timeframe
from domain.values import epoch_ms
from models.drift.reference import REFERENCE_FILE
from models.explanation.explanation import EXPLANATION_FILE
from models.registry.aliases import ALIASES_FILE
from models.registry.durable_files import LOCK_FILE
from models.registry.metadata import MODEL_FILE, SCALER_FILE, ModelMetadata
from models.registry.registries import HORIZONS_FOLDER
from models.registry.registry import Registry
from models.registry.shipped import is_version
from models.studies.judged_time import MAX_JUDGED_SHARE
from models.training.training_run import TrainingRequest, TrainingRun
from services.training.managers import open_manager

MAX_GRAPH_BYTES = 3_000_000
# Engines post a hundred candles, the newest perhaps still forming: a model that reads more has no forecast for them.
WINDOW_CANDLES = 24
JUDGED_YEARS = 2
# Models of further horizons come with the service for this timeframe; requests have longer candles made of it.
FURTHER_TIMEFRAME = Timeframe.H1
# What serving needs; predictions, and the file of the library, stay where they were made.
_KEPT = (MODEL_FILE, SCALER_FILE, REFERENCE_FILE, EXPLANATION_FILE)


@dataclass(frozen=True)
class _WantedDefault:
    """What is trained for `*`: the types of a timeframe and horizon, and the last day of the candles."""

    timeframe: Timeframe
    horizon: int
    kinds: tuple[ModelType, ...]
    until: date


@dataclass(frozen=True)
class DefaultModel:
    """One version as it comes with the service.

    Attributes:
        metadata: Its own.
        serves: Whether it is in production of its timeframe and horizon; of further horizons others are not kept.
        graph_bytes: Size of its ONNX graph.
    """

    metadata: ModelMetadata
    serves: bool
    graph_bytes: int


def judged_from(until: date) -> date:
    """Return the first day of the judged years, which end with the day `until`."""
    after = until + timedelta(days=1)
    return date(after.year - JUDGED_YEARS, after.month, min(after.day, 28))


def build_default_models(
    markets: Mapping[Timeframe, Mapping[str, CandleSeries]],
    until: date,
    kinds: tuple[ModelType, ...],
    settings: Settings,
    out: Path,
    listener: TellProgress,
    now: Callable[[], datetime],
) -> list[DefaultModel]:
    """Train the versions that come with the service, and put them into a folder in place of those that were there.

    Each type is trained for `*` of each timeframe, first for the figures on candles before the judged years, then for
    serving on all. Of a timeframe the gate decides which one serves: each is compared with the one before. Where it
    lets none serve, the one with the lowest Brier score does, if that is below the prior's. Of 1h the last type is
    trained for each of the further horizons too, and comes with the service where the gate lets it serve.

    Args:
        markets: Closed candles of each timeframe by symbol, up to the end of the day `until`.
        until: The last day of the candles.
        kinds: Types to train, the simplest first.
        settings: Of models and features; the windows are `WINDOW_CANDLES` long.
        out: The folder; it is replaced as a whole at the end.
        listener: Called after every fit.
        now: The clock, aware UTC.

    Raises:
        InvalidRequest: the folder holds something else.
        InsufficientData, TrainingFailed, ExportMismatch: a training fails; the folder stays as it was.
    """
    _check_folder(out)
    staging = out.with_name(f".{out.name}.new")
    shutil.rmtree(staging, ignore_errors=True)
    staged, built = Registry(staging), list[DefaultModel]()
    try:
        for timeframe, candles in markets.items():
            wanted = _WantedDefault(timeframe, settings.features.horizon_candles, kinds, until)
            with TemporaryDirectory() as folder:
                made = _trained(wanted, candles, settings, Path(folder), listener, now)
                built += _exported(made, staged, timeframe, now)
        for horizon in settings.models.further_horizons_candles if FURTHER_TIMEFRAME in markets else ():
            further = Registry(staging / HORIZONS_FOLDER / str(horizon))
            wanted = _WantedDefault(FURTHER_TIMEFRAME, horizon, kinds[-1:], until)
            with TemporaryDirectory() as folder:
                made = _trained(wanted, markets[FURTHER_TIMEFRAME], settings, Path(folder), listener, now)
                built += _exported_if_passed(made, further)
        for lock in staging.rglob(LOCK_FILE):
            lock.unlink()
        shutil.rmtree(out, ignore_errors=True)
        staging.rename(out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)  # after success nothing has this name
    return built


def _trained(
    wanted: _WantedDefault,
    markets: Mapping[str, CandleSeries],
    settings: Settings,
    folder: Path,
    listener: TellProgress,
    now: Callable[[], datetime],
) -> Registry:
    """Return a registry in an empty folder with the versions of a timeframe and horizon, as the gate left it."""
    features = settings.features.model_copy(
        update={"sequence_length": WINDOW_CANDLES, "horizon_candles": wanted.horizon}
    )
    own = {"save_path": str(folder), "shipped": False, "keep_versions": len(wanted.kinds)}
    models = settings.models.model_copy(update=own)
    request = TrainingRequest(wanted.kinds[-1], ANY_SYMBOL, wanted.timeframe)
    probe = TrainingRun(request, markets, models, features)
    judging = models.model_copy(update={"evaluation": _judging(probe, wanted.until)})
    del probe
    manager = open_manager(judging, features, settings.indicators.atr_period, now)
    for kind in wanted.kinds:
        manager.train(TrainingRequest(kind, ANY_SYMBOL, wanted.timeframe), markets, listener)
    return manager.registry


def _judging(probe: TrainingRun, until: date) -> EvaluationSettings:
    """Return how the versions are judged: on the judged years as one test part, by models of the candles before them.

    Where the candles do not reach far enough back, it is the walk forward of the settings.
    """
    ends, settings = probe.evaluation_set.ends, probe.models.evaluation
    first_ms = epoch_ms(datetime.combine(judged_from(until), datetime.min.time(), UTC))
    share = float((probe.axis.times_ms(ends) >= first_ms).mean())
    # Rows of the same hour are drawn together.
    blocks = {"bootstrap_block": settings.bootstrap_block * len(probe.markets)}
    # With fewer candles before the judged years than after their beginning, the settings say how to judge.
    if not 0.0 < share <= MAX_JUDGED_SHARE:
        return settings.model_copy(update=blocks)
    return settings.model_copy(update={**blocks, "folds": 1, "test_share": share})


def _exported(
    made: Registry, staged: Registry, timeframe: Timeframe, now: Callable[[], datetime]
) -> list[DefaultModel]:
    """Copy what serving needs of every version of a timeframe, and which of them serves."""
    names = {model.version: _copied(made, staged, model) for model in reversed(made.versions().models)}
    for version in names.values():
        staged.nominate(version)
    for promotion in made.aliases().of(ANY_SYMBOL, timeframe).history:
        if promotion.version is not None:
            staged.promote(names[promotion.version], by="gate", reason=promotion.reason, at=promotion.at)
    _serve_the_best(staged, timeframe, names.values(), now())
    serving = staged.resolve(ANY_SYMBOL, timeframe)
    return [
        DefaultModel(stored.metadata, version == serving, len(stored.read(MODEL_FILE)))
        for version, stored in ((version, staged.open(version)) for version in names.values())
    ]


def _exported_if_passed(made: Registry, staged: Registry) -> list[DefaultModel]:
    """Copy what the gate lets serve, and return all that was trained: beyond the next candle nothing else is asked."""
    serving = made.resolve(ANY_SYMBOL, FURTHER_TIMEFRAME)
    models = made.versions().models
    for model in models:
        if model.version == serving:
            last = made.aliases().of(ANY_SYMBOL, FURTHER_TIMEFRAME).history[-1]
            staged.promote(_copied(made, staged, model), by="gate", reason=last.reason, at=last.at)
    return [
        DefaultModel(model, model.version == serving, len(made.open(model.version).read(MODEL_FILE)))
        for model in reversed(models)
    ]


def _copied(made: Registry, staged: Registry, model: ModelMetadata) -> str:
    """Copy what serving needs of a version, and return its name there.

    Raises:
        TrainingFailed: its graph is too large to come with the service.
    """
    stored = made.open(model.version)
    files = {name: stored.read(name) for name in _KEPT if name in model.files}
    if len(files[MODEL_FILE]) > MAX_GRAPH_BYTES:
        raise TrainingFailed(
            f"the graph of {model.version} has {len(files[MODEL_FILE]):,} bytes; what comes with the service may "
            f"have {MAX_GRAPH_BYTES:,}"
        )

    def write(folder: Path) -> None:
        for name, content in files.items():
            (folder / name).write_bytes(content)

    return staged.add(ModelMetadata(**{**dict(model), "shipped": True, "files": {}}), write).version


def _serve_the_best(staged: Registry, timeframe: Timeframe, versions: Iterable[str], at: datetime) -> None:
    """Where the gate let none serve, let that with the lowest Brier score, if it is below the prior's.

    Its `verdict` tells those who read a forecast that it was not surely better.
    """
    if staged.resolve(ANY_SYMBOL, timeframe) is not None:
        return
    judged = [staged.open(version).metadata for version in versions]
    briers = {model.version: model.metrics.brier for model in judged if model.metrics and _below_prior(model)}
    known = {version: brier for version, brier in briers.items() if brier is not None}
    if known:
        best = min(known, key=lambda version: known[version])
        reason = f"the gate let none serve; of those below the prior its Brier score is the lowest, {known[best]:.4f}"
        staged.promote(best, by="forced", reason=reason, at=at)


def _below_prior(model: ModelMetadata) -> bool:
    first = model.verdict.comparisons[0] if model.verdict and model.verdict.comparisons else None
    return first is not None and first.difference is not None and first.difference < 0.0


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InvalidRequest(f"{out} is no folder")
    known = {ALIASES_FILE, LOCK_FILE, HORIZONS_FOLDER}
    others = (
        [path.name for path in out.iterdir() if path.name not in known and not is_version(path.name)]
        if out.exists()
        else []
    )
    if others:
        raise InvalidRequest(f"{out} holds something else than models, such as {others[0]}: it would be deleted")
