"""Concurrent forecasts by the same model share one run of it."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np

from config.model_settings import ServingSettings
from models.serving.forecaster import FeatureRows, Forecaster, Forecasts
from utils.concurrency import run_blocking


@dataclass(frozen=True, eq=False)
class _Waiting:
    rows: dict[str, np.ndarray]
    windows: int
    answer: asyncio.Future[Forecasts]


@dataclass
class _Lane:
    """The requests for one model: the number of runs under way, and the requests that wait."""

    runs: int = 0
    waiting: list[_Waiting] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None

    @property
    def windows(self) -> int:
        """Windows that wait."""
        return sum(request.windows for request in self.waiting)


class MicroBatcher:
    """Runs a request at once when its model is idle, and together with others when it is not.

    Requests that arrive while a run is under way wait for its end and are run together then; they do
    not wait longer than `max_wait_ms`, nor when `max_batch` windows have come together, but are run
    at the same time. A lone request does not wait, and under load the batches grow by themselves.
    """

    def __init__(self, executor: Executor, settings: ServingSettings) -> None:
        self._executor = executor
        self._max_batch = settings.max_batch
        self._max_wait_seconds = settings.max_wait_ms / 1000
        self._lanes: dict[Forecaster, _Lane] = {}

    async def forecast(self, model: Forecaster, rows: FeatureRows) -> Forecasts:
        """Return the model's answers to n windows, as `Forecaster.forecast` gives them.

        A canceled caller does not affect the others. An error of a run reaches only its own requests.

        Args:
            rows: As for `Forecaster.forecast`; the arrays may not change until the answer is there.

        Raises:
            ValueError, InsufficientData: as `Forecaster.check`, before the request joins others.
        """
        model.check(rows)
        newest = {name: rows[name][:, -length:] for name, length in model.needs.items()}
        windows = len(next(iter(newest.values())))
        request = _Waiting(newest, windows, asyncio.get_running_loop().create_future())
        lane = self._lanes.setdefault(model, _Lane())
        if lane.waiting and lane.windows + windows > self._max_batch:
            self._start(model, lane)
        lane.waiting.append(request)
        if not lane.runs or lane.windows >= self._max_batch:
            self._start(model, lane)
        elif lane.timer is None:
            lane.timer = asyncio.get_running_loop().call_later(self._max_wait_seconds, self._start, model, lane)
        return await request.answer

    def _start(self, model: Forecaster, lane: _Lane) -> None:
        if lane.timer is not None:
            lane.timer.cancel()
            lane.timer = None
        # A canceled caller needs no answer.
        batch = [request for request in lane.waiting if not request.answer.done()]
        lane.waiting.clear()
        if batch:
            lane.runs += 1
            together = run_blocking(self._executor, _run, model, [request.rows for request in batch])
            asyncio.ensure_future(together).add_done_callback(lambda run: self._landed(model, lane, batch, run))

    def _landed(self, model: Forecaster, lane: _Lane, batch: list[_Waiting], run: asyncio.Future[Forecasts]) -> None:
        lane.runs -= 1
        first = 0
        for request in batch:
            last = first + request.windows
            if request.answer.done():
                pass  # canceled meanwhile
            elif run.cancelled():
                request.answer.cancel()
            elif error := run.exception():
                request.answer.set_exception(error)
            else:
                request.answer.set_result(run.result().part(first, last))
            first = last
        if lane.waiting and not lane.runs:
            self._start(model, lane)
        if not lane.runs:
            self._lanes.pop(model, None)


def _run(model: Forecaster, requests: list[dict[str, np.ndarray]]) -> Forecasts:
    if len(requests) == 1:
        return model.forecast(requests[0])
    return model.forecast({name: np.concatenate([rows[name] for rows in requests]) for name in requests[0]})
