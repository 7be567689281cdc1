"""Concurrent forecasts share runs: bounded waits and batches, and errors stay within their run."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from weakref import ref

import numpy as np
import pytest

from config.model_settings import ServingSettings
from domain.errors import InsufficientData
from domain.forecasting import ModelType
from models.recalibration.records import Recalibration
from models.registry.metadata import ModelMetadata
from models.registry.registry import Registry
from models.serving.forecaster import FeatureRows, Forecaster, Forecasts, OnnxForecaster
from services.forecasts.micro_batching import MicroBatcher
from tests.fixtures.models import LENGTH, add_model, feature_rows
from tests.fixtures.patience import PATIENCE_SECONDS
from tests.fixtures.settings import configured

# No request waits that long: what answers within the test was not started by the limit.
HOUR_MS = 3_600_000

pytest_plugins = ["tests.fixtures.registry"]


class Gated:
    """A real forecaster that notes the size of every run and runs when it is let."""

    def __init__(self, forecaster: OnnxForecaster) -> None:
        self._forecaster = forecaster
        self.metadata: ModelMetadata = forecaster.metadata
        self.recalibration = forecaster.recalibration
        self.needs: Mapping[str, int] = forecaster.needs
        self.check = forecaster.check
        self.drivers = forecaster.drivers
        self.runs: list[int] = []
        self.gate = Event()
        self.gate.set()
        self.fails = False

    def recalibrated(self, by: Recalibration | None) -> Gated:
        return Gated(self._forecaster.recalibrated(by))

    def forecast(self, rows: FeatureRows) -> Forecasts:
        fails, gate = self.fails, self.gate
        self.runs.append(len(rows["standard"]))
        assert gate.wait(PATIENCE_SECONDS)
        if fails:
            raise RuntimeError("out of memory")
        return self._forecaster.forecast(rows)


@pytest.fixture
def forecaster(registry: Registry) -> OnnxForecaster:
    return OnnxForecaster.load(registry.open(add_model(registry).version))


@pytest.fixture
def model(forecaster: OnnxForecaster) -> Iterator[Gated]:
    gated = Gated(forecaster)
    yield gated
    gated.gate.set()


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def batcher(executor: ThreadPoolExecutor, *, max_batch: int = 64, max_wait_ms: float = 100) -> MicroBatcher:
    settings = configured(ServingSettings, max_batch=max_batch).model_copy(update={"max_wait_ms": max_wait_ms})
    return MicroBatcher(executor, settings)


def ask(batching: MicroBatcher, model: Forecaster, *seeds: int, windows: int = 1) -> list[asyncio.Task[Forecasts]]:
    return [asyncio.create_task(batching.forecast(model, feature_rows(windows, seed=seed))) for seed in seeds]


async def until_runs(model: Gated, count: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(model.runs) < count:
            await asyncio.sleep(0.001)


async def test_a_lone_request_is_run_at_once(model: Gated, executor: ThreadPoolExecutor) -> None:
    batching = batcher(executor)
    for seed in range(3):
        await batching.forecast(model, feature_rows(1, seed=seed))
    assert model.runs == [1, 1, 1]


async def test_requests_during_a_run_share_the_next(
    model: Gated, forecaster: OnnxForecaster, executor: ThreadPoolExecutor
) -> None:
    batching = batcher(executor)
    model.gate.clear()
    first = ask(batching, model, 0)
    await until_runs(model, 1)
    others = ask(batching, model, *range(1, 8)) + ask(batching, model, 8, windows=3)
    await asyncio.sleep(0)
    model.gate.set()
    answers = await asyncio.gather(*first, *others)
    assert model.runs == [1, 10]
    for seed, answer in enumerate(answers):
        alone = forecaster.forecast(feature_rows(3 if seed == 8 else 1, seed=seed))
        np.testing.assert_allclose(answer.probability_up, alone.probability_up, atol=1e-6)
        np.testing.assert_allclose(answer.raw, alone.raw, atol=1e-6)
        assert list(answer.members) == [ModelType.LSTM]


async def test_the_end_of_a_run_starts_the_next_without_waiting_for_the_limit(
    model: Gated, executor: ThreadPoolExecutor
) -> None:
    batching = batcher(executor, max_wait_ms=HOUR_MS)
    model.gate.clear()
    first = ask(batching, model, 0)
    await until_runs(model, 1)
    others = ask(batching, model, 1, 2, 3)
    await asyncio.sleep(0)
    model.gate.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*first, *others)
    assert model.runs == [1, 3]


async def test_waiting_requests_are_run_when_the_last_of_several_runs_ends(
    model: Gated, executor: ThreadPoolExecutor
) -> None:
    batching = batcher(executor, max_batch=4, max_wait_ms=HOUR_MS)
    model.gate.clear()
    first = ask(batching, model, 0)
    await until_runs(model, 1)
    slow, model.gate = model.gate, Event()
    others = ask(batching, model, 1, 2, 3, 4)
    await until_runs(model, 2)
    waiting = ask(batching, model, 5)
    await asyncio.sleep(0)
    model.gate.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*others)
        # The first run is still under way: a request that arrives now is run together with the waiting one.
        waiting += ask(batching, model, 6)
        await asyncio.sleep(0)
        slow.set()
        await asyncio.gather(*first, *waiting)
    assert model.runs == [1, 4, 2]


async def test_an_idle_model_is_released(registry: Registry, executor: ThreadPoolExecutor) -> None:
    model = OnnxForecaster.load(registry.open(add_model(registry).version))
    batching = batcher(executor)
    await asyncio.gather(*ask(batching, model, 0, 1, 2))
    still_there = ref(model)
    del model
    async with asyncio.timeout(PATIENCE_SECONDS):  # the thread lets go of it a moment after its answer
        while still_there() is not None:
            gc.collect()
            await asyncio.sleep(0)


async def test_a_burst_from_idle_takes_two_runs(model: Gated, executor: ThreadPoolExecutor) -> None:
    model.gate.clear()
    asked = ask(batcher(executor), model, *range(32))
    await until_runs(model, 1)
    model.gate.set()
    await asyncio.gather(*asked)
    assert model.runs == [1, 31]


async def test_a_full_batch_does_not_wait_for_the_run_before(model: Gated, executor: ThreadPoolExecutor) -> None:
    model.gate.clear()
    asked = ask(batcher(executor, max_batch=4), model, *range(5))
    await until_runs(model, 2)
    assert model.runs == [1, 4]
    model.gate.set()
    await asyncio.gather(*asked)


async def test_no_request_waits_longer_than_the_limit(model: Gated, executor: ThreadPoolExecutor) -> None:
    model.gate.clear()
    asked = ask(batcher(executor, max_wait_ms=5), model, 0, 1, 2)
    # The first run does not end, and the two others are run all the same.
    await until_runs(model, 2)
    assert model.runs == [1, 2]
    model.gate.set()
    await asyncio.gather(*asked)


async def test_no_run_is_larger_than_the_limit_except_for_a_single_larger_request(
    model: Gated, executor: ThreadPoolExecutor
) -> None:
    batching = batcher(executor, max_batch=4)
    model.gate.clear()
    asked = [task for windows in (1, 3, 3, 9, 2, 2, 1) for task in ask(batching, model, 0, windows=windows)]
    await asyncio.sleep(0)
    model.gate.set()
    answers = await asyncio.gather(*asked)
    assert sum(model.runs) == 21
    assert max(model.runs) == 9
    assert all(run <= 4 for run in model.runs if run != 9)
    assert [len(answer.probability_up) for answer in answers] == [1, 3, 3, 9, 2, 2, 1]


async def test_an_error_reaches_only_the_requests_of_its_run(model: Gated, executor: ThreadPoolExecutor) -> None:
    batching = batcher(executor)
    model.gate.clear()
    fine = ask(batching, model, 0)
    await until_runs(model, 1)
    model.fails = True
    failing = ask(batching, model, 1, 2)
    await asyncio.sleep(0)
    model.gate.set()
    for answer in await asyncio.gather(*failing, return_exceptions=True):
        assert isinstance(answer, RuntimeError)
    assert len((await fine[0]).probability_up) == 1
    model.fails = False
    await batching.forecast(model, feature_rows(1))


async def test_invalid_rows_do_not_affect_other_requests(model: Gated, executor: ThreadPoolExecutor) -> None:
    batching = batcher(executor)
    bad = feature_rows(1)
    bad["standard"][0, 0, 0] = np.nan
    fine = ask(batching, model, *range(4))
    with pytest.raises(InsufficientData):
        await batching.forecast(model, bad)
    with pytest.raises(ValueError, match="is needed, got"):
        await batching.forecast(model, feature_rows(1, length=LENGTH - 1))
    await asyncio.gather(*fine)
    longer = feature_rows(1, length=LENGTH + 5)
    answers = await asyncio.gather(batching.forecast(model, longer), *ask(batching, model, 0, 1))
    assert len(answers) == 3


async def test_a_cancelled_caller_does_not_affect_the_others(
    model: Gated, forecaster: OnnxForecaster, executor: ThreadPoolExecutor
) -> None:
    batching = batcher(executor)
    model.gate.clear()
    running = ask(batching, model, 0)
    await until_runs(model, 1)
    waiting = ask(batching, model, 1, 2, 3)
    await asyncio.sleep(0)
    for leaves in (running[0], waiting[0]):
        leaves.cancel()
    await asyncio.sleep(0)
    model.gate.set()
    answers = await asyncio.gather(*waiting[1:])
    for seed, answer in zip((2, 3), answers, strict=True):
        expected = forecaster.forecast(feature_rows(1, seed=seed)).probability_up
        np.testing.assert_allclose(answer.probability_up, expected, atol=1e-6)
    assert model.runs == [1, 2]
    assert running[0].cancelled()
    assert waiting[0].cancelled()


async def test_models_do_not_wait_for_each_other(registry: Registry, executor: ThreadPoolExecutor) -> None:
    slow, quick = (Gated(OnnxForecaster.load(registry.open(add_model(registry).version))) for _ in range(2))
    batching = batcher(executor)
    slow.gate.clear()
    stuck = ask(batching, slow, 0)
    await until_runs(slow, 1)
    await batching.forecast(quick, feature_rows(1))
    assert not stuck[0].done()
    slow.gate.set()
    await stuck[0]
