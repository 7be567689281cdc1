"""Forecasts of candidates on the candles that the model in production has just forecast."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path

from loguru import logger

from config.model_settings import ServingSettings
from config.settings import Settings
from domain.errors import AppError
from domain.forecasting import Forecast
from domain.ledger.entries import LedgerEntry
from domain.market import CandleSeries, Timeframe
from domain.trading.costs import Costs
from models.registry.aliases import Aliases, Promotion, ScopeAliases
from models.registry.metadata import ModelMetadata
from models.registry.registry import Registry
from models.serving.forecaster import Forecaster
from models.serving.forecasts import newest_volatilities, to_forecast
from models.serving.loaded_models import LoadedModels
from services.forecasts.micro_batching import MicroBatcher
from services.forecasts.newest_rows import NewestRows
from services.forecasts.plans import ForecastPlans
from utils import metrics
from utils.concurrency import run_blocking, worker_threads

# Forecasts that are made or wait for their entry; beyond these the oldest are forgotten.
MAX_KEPT = 2_000

# Symbol, timeframe, close of the newest candle, and what the model in production said: equal only of equal candles.
_Moment = tuple[str, Timeframe, int, float]
ShadowTask = asyncio.Task[Forecast | None]
FindLeader = Callable[[Forecaster], Awaitable[CandleSeries | None]]


class ShadowRegistry(Registry):
    """The registry with candidates that shadow in the place of the versions in production, and nothing else."""

    def aliases(self) -> Aliases:
        """Return the candidates as what serves."""
        return Aliases(scopes=tuple(_as_production(of) for of in super().aliases().scopes if of.shadow))


class ShadowForecasts:
    """Asks the candidate of a model after the model has answered; neither its time nor its failure reaches an answer.

    All work is done in the executor, which has a separate thread, so that candidates never delay models in production.
    Requests of one moment share runs of a candidate.
    """

    def __init__(
        self,
        *,
        models: LoadedModels,
        batcher: MicroBatcher,
        rows: NewestRows,
        plans: ForecastPlans,
        settings: ServingSettings,
        executor: Executor,
    ) -> None:
        """Keep the parts; nothing is loaded yet.

        Args:
            models: The candidates that shadow, by a `ShadowRegistry`.
            batcher: Runs them.
            rows: Features of the candles, which models in production may share.
            plans: Adds the plan of a forecast.
            settings: Probabilities from which the signal is Long or Short.
            executor: For the work.
        """
        self._models = models
        self._batcher = batcher
        self.rows = rows
        self._plans = plans
        self._settings = settings
        self._executor = executor
        self._tasks: dict[_Moment, ShadowTask] = {}
        self._failed: set[str] = set()

    def begin(
        self,
        production: ModelMetadata,
        said: Forecast,
        history: CandleSeries,
        find_leader: FindLeader,
        price: float,
        costs: Costs | None,
    ) -> None:
        """Let the candidate forecast the same, if there is one; it does not wait, and nothing is raised.

        Args:
            production: The version that has answered.
            said: Its forecast.
            history: The candles that it read.
            find_leader: Finds those of what leads the market, for a model that reads them.
            price: At which its plan is entered.
            costs: Of the client's trades; None are the usual ones.
        """
        if self._models.known_absent(said.symbol, said.timeframe):
            return
        moment = said.symbol, said.timeframe, history.last_close_ms, said.probability_up
        if moment not in self._tasks:
            work = self._forecast(production, said.symbol, history, find_leader, price, costs)
            self._tasks[moment] = asyncio.create_task(work, name="shadow forecast")
            if len(self._tasks) > MAX_KEPT:
                self._tasks.pop(next(iter(self._tasks))).cancel()

    def beside(self, entry: LedgerEntry) -> ShadowTask | None:
        """Return the candidate's forecast beside an entry of the model in production; None where there is none.

        The task gives None where the candidate had no forecast.
        """
        if entry.probability_up is None:
            return None
        return self._tasks.get((entry.symbol, entry.timeframe, entry.closed_ms, entry.probability_up))

    def look_again(self) -> None:
        """Know at once of a shadow that has begun or ended; call it off the event loop."""
        self._models.look_again()

    def close(self) -> None:
        """Cancel what is under way."""
        for task in self._tasks.values():
            task.cancel()

    async def _forecast(
        self,
        production: ModelMetadata,
        symbol: str,
        history: CandleSeries,
        find_leader: FindLeader,
        price: float,
        costs: Costs | None,
    ) -> Forecast | None:
        try:
            model = await run_blocking(self._executor, self._models.find, symbol, history.timeframe)
            # A candidate for `*` does not count for a symbol that has its own model.
            if model is None or model.metadata.scope != production.scope:
                return None
            leader = await find_leader(model)
            return await self._asked(model, symbol, history, leader, price, costs)
        except Exception as error:  # noqa: BLE001 - a defect of a candidate is no matter of the answer
            self._note(production, symbol, error)
        return None

    async def _asked(
        self,
        model: Forecaster,
        symbol: str,
        history: CandleSeries,
        leader: CandleSeries | None,
        price: float,
        costs: Costs | None,
    ) -> Forecast:
        rows = await run_blocking(self._executor, self.rows.of, model, history, leader)
        forecasts = await self._batcher.forecast(model, rows)
        (volatility,), led = newest_volatilities(model.metadata, [history]), leader is not None
        bare = to_forecast(symbol, model, forecasts, self._settings, volatility, led=led)
        forecast = self._plans.with_plan(bare, model.metadata.plans, history, price, costs)
        self._failed.discard(symbol)
        return forecast

    def _note(self, production: ModelMetadata, symbol: str, error: Exception) -> None:
        """Log a failure once, until a forecast of the symbol succeeds, and count each."""
        metrics.SHADOW_FAILURES.inc()
        if symbol not in self._failed:
            self._failed.add(symbol)
            reason = error.message if isinstance(error, AppError) else repr(error)
            logger.bind(symbol=symbol, beside=production.version, reason=reason).warning(
                "a candidate that shadows gave no forecast"
            )


@contextmanager
def open_shadow_forecasts(settings: Settings) -> Iterator[ShadowForecasts]:
    """Ask candidates of the registry that shadow; nothing is loaded before the first answer beside one."""
    serving = settings.models.serving
    registry = ShadowRegistry(Path(settings.models.save_path))
    with worker_threads(1, "shadows") as executor:
        shadows = ShadowForecasts(
            models=LoadedModels(registry, serving.reload_seconds, count_candidate_failure),
            batcher=MicroBatcher(executor, serving),
            rows=NewestRows(),
            plans=ForecastPlans(settings.trading.costs, settings.indicators.atr_period),
            settings=serving,
            executor=executor,
        )
        try:
            yield shadows
        finally:
            shadows.close()


def _as_production(of: ScopeAliases) -> ScopeAliases:
    shadow = of.shadow
    if shadow is None:
        return ScopeAliases(symbol=of.symbol, timeframe=of.timeframe)
    begun = Promotion(version=shadow.version, at=shadow.since, by="shadow", reason=shadow.reason)
    return ScopeAliases(symbol=of.symbol, timeframe=of.timeframe, history=(begun,))


def count_candidate_failure(version: str, error: AppError) -> None:
    """Count and log a candidate that cannot be loaded."""
    metrics.SHADOW_FAILURES.inc()
    logger.bind(version=version, reason=error.message).error("a candidate that shadows cannot be loaded")
