"""The real training in its process: its result, and that nothing is left when it is killed."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from config.sources import load_settings
from domain.errors import JobFailed
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.job_kinds import JobKind
from domain.jobs import JobProgress
from domain.market import Candle, Timeframe
from models.registry.registry import Registry
from services.job_candles.series import candle_rows
from services.training.parameters import TrainingParameters
from services.training.repeating import repeated
from tasks.child_process import ChildProcessRunner
from tests.fixtures.histories import simulated
from tests.fixtures.stuck_training import FILES_WRITTEN

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from tests.fixtures.small_disk import SmallDisk

pytest_plugins = ["tests.fixtures.registry", "tests.fixtures.small_disk"]

SMALL = {"evaluation": {"folds": 1}, "recurrent": {"units": [8], "dense_units": [8]}, "xgboost": {"trees": 10}}
ENDLESS = {"xgboost": {"trees": 100_000}}
KILLED = "the job's process was killed (SIGKILL)"


def order(root: Path, kind: ModelType, models: dict[str, Any] = SMALL, **changes: Any) -> dict[str, Any]:
    settings = load_settings(environment={}, overrides={"models": models | {"save_path": str(root)}})
    candles = simulated(3, count=200).candles
    made = TrainingParameters(
        symbol="BTCUSDT",
        timeframe=Timeframe.H1,
        model_type=kind,
        candles=tuple(Candle(c.timestamp, c.open, c.high, c.low, c.close, c.volume) for c in candles),
        features=settings.features,
        indicators=settings.indicators,
        models=settings.models,
    )
    return made.model_copy(update=changes).model_dump(mode="json")


def unfinished(root: Path) -> list[Path]:
    return list(root.glob(".unfinished_*"))


async def run(parameters: dict[str, Any], report: Any, table: str = "tasks.jobs") -> dict[str, Any]:
    return await ChildProcessRunner(timeout_seconds=300, table=table).run(JobKind.TRAIN, parameters, report)


async def test_killed_between_files_and_name_leaves_no_version_and_the_next_sweeps(registry: Registry) -> None:
    parameters = order(registry.root, ModelType.LOGISTIC)

    def kill(progress: JobProgress) -> None:
        if progress.stage.startswith(FILES_WRITTEN):
            os.kill(int(progress.stage.removeprefix(FILES_WRITTEN)), signal.SIGKILL)

    with pytest.raises(JobFailed, match="SIGKILL") as failed:
        await run(parameters, kill, "tests.fixtures.stuck_training")
    assert failed.value.message == KILLED
    (left,) = unfinished(registry.root)
    assert (left / "model.onnx").exists()
    assert (registry.versions().models, registry.versions().unusable) == ((), {})
    result = await run(parameters, lambda progress: None)
    assert unfinished(registry.root) == []
    (model,) = registry.versions().models
    assert registry.verify(model.version) == model
    assert (result["version"], result["reasons"]) == (
        model.version,
        list(model.verdict.reasons if model.verdict else ()),
    )


async def test_a_pooled_model_tells_its_markets_so_that_its_training_can_be_repeated(registry: Registry) -> None:
    parameters = order(registry.root, ModelType.LOGISTIC, symbol=ANY_SYMBOL, candles=())
    parameters["pool"] = [
        {"symbol": symbol, "timeframe": "1h", "candles": candle_rows(simulated(seed, count=200))}
        for seed, symbol in enumerate(("BTCUSDT", "ETHUSDT"))
    ]
    result = await run(parameters, lambda progress: None)
    model = registry.open(result["version"]).metadata
    assert (model.symbol, model.data and model.data.markets) == (ANY_SYMBOL, ("BTCUSDT", "ETHUSDT"))
    assert model.data is not None
    assert model.data.candles == 400
    again = repeated(model, load_settings(environment={}).models, load_settings(environment={}).features)
    assert again.markets == ("BTCUSDT", "ETHUSDT")
    assert (again.models.recurrent.units, again.models.xgboost.trees) == ((8,), 10)


async def test_killed_while_it_fits_it_leaves_nothing(registry: Registry) -> None:
    def kill(progress: JobProgress) -> None:
        assert progress.stage.startswith("fold 1")
        children = [pid for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()]
        # Servers of other tests are children of this process, too.
        (child,) = (pid for pid in children if b"job_process" in Path("/proc", pid, "cmdline").read_bytes())
        os.kill(int(child), signal.SIGKILL)

    with pytest.raises(JobFailed, match="SIGKILL"):
        await run(order(registry.root, ModelType.XGBOOST, SMALL | ENDLESS), kill)
    assert (registry.versions().models, unfinished(registry.root)) == ((), [])


async def test_a_disk_that_fills_up_during_the_training_is_the_jobs_error_and_leaves_nothing(
    training_disk: SmallDisk,
) -> None:
    registry = Registry(training_disk.folder / "models")
    filled: list[str] = []
    with ExitStack() as stack:

        def fill(progress: JobProgress) -> None:
            if not filled and progress.stage.startswith("fold 1"):
                filled.append(progress.stage)
                stack.enter_context(training_disk.full())

        with pytest.raises(JobFailed, match="No space left on device; free space there"):
            await run(order(registry.root, ModelType.LOGISTIC), fill)
    assert filled
    assert (registry.versions().models, unfinished(registry.root)) == ((), [])


async def test_network_is_trained_with_progress_whatever_its_library_prints(registry: Registry) -> None:
    stages: list[JobProgress] = []
    result = await run(order(registry.root, ModelType.LSTM, epochs=1, seed=7), stages.append)
    (model,) = registry.versions().models
    assert (result["version"], result["model_type"]) == (model.version, "lstm")
    assert (model.seed, model.settings["models"]["recurrent"]["learning"]["epochs"]) == (7, 1)
    assert {stage.epochs for stage in stages if stage.epoch} == {1}
    assert [stage.share for stage in stages] == sorted(stage.share for stage in stages)
