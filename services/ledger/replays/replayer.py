"""A market of the past, judged as it would have been judged then."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import NamedTuple

from loguru import logger

from domain.analysis import Analysis, MarketSnapshot
from domain.errors import AppError, ModelUnusable
from domain.forecasting import Forecast
from domain.market import Timeframe
from domain.trading.costs import Costs
from domain.values import utc_time
from models.registry.registries import RegistryKey
from rules.judgement import Judgement, judge
from rules.strategies import STRATEGY_NAMES
from rules.technical import TechnicalAnalyst
from services.forecasts.past_models import PastModels
from services.ledger.followed_forecasts import is_followed
from services.market_reader import MarketReader


class ReplayedJudgement(NamedTuple):
    """A judgement, the answer by rules and model before any guard, and the version in production then."""

    judgement: Judgement
    analysis: Analysis
    model_version: str | None


class Replayer:
    """Reads, judges and answers as a live analysis does; the LLM is not asked, and nothing is kept."""

    def __init__(self, reader: MarketReader, models: PastModels, rules: TechnicalAnalyst) -> None:
        """Keep the parts of the live path, and the models of the past."""
        self._reader = reader
        self._models = models
        self._rules = rules

    async def judge(
        self,
        snapshot: MarketSnapshot,
        as_of_ms: int,
        strategies: tuple[str, ...] = STRATEGY_NAMES,
        costs: Costs | None = None,
    ) -> ReplayedJudgement:
        """Return the answer to a market of the past by the model that was in production then.

        Args:
            snapshot: Without anything that became known later.
            as_of_ms: The moment, in epoch ms.
            strategies: Names of the selected strategies.
            costs: Of the trades; None are the usual ones.

        Raises:
            InsufficientData: no timeframe has enough closed candles.
        """
        moment = utc_time(as_of_ms)
        context = await self._reader.asking(self._models.at(moment)).read(snapshot, strategies, costs=costs)
        market = f"{context.symbol} {context.primary}"
        try:
            version = await asyncio.to_thread(self._models.version, context.symbol, context.primary, moment)
        except ModelUnusable:
            return self._judged(judge(context), None)
        if version is None:
            note = f"no model was in production for {market} at {moment:%Y-%m-%d %H:%M} UTC: the rules answer alone"
            context = replace(context, forecast_note=note)
        return self._judged(judge(context), version)

    async def followed(
        self, snapshot: MarketSnapshot, timeframe: Timeframe, as_of_ms: int
    ) -> list[tuple[RegistryKey, Forecast]]:
        """Return what the models in production then, whose forecasts the ledger does not settle, say of a market.

        Args:
            snapshot: As of `judge`.
            timeframe: Of their candles.
            as_of_ms: The moment, in epoch ms.
        """
        found = []
        for key, forecasting in self._models.of_closes(utc_time(as_of_ms)).items():
            try:
                model = await forecasting.model(snapshot, timeframe)
                if is_followed(key, model.metadata.horizon_candles):
                    found.append((key, await forecasting.bare(model, snapshot, timeframe)))
            except AppError as error:
                named = logger.bind(models=key.models, symbol=snapshot.symbol, reason=error.message)
                named.debug("models of a further horizon have no forecast in a replay")
        return found

    def _judged(self, judgement: Judgement, version: str | None) -> ReplayedJudgement:
        return ReplayedJudgement(judgement, self._rules.assess(judgement), version)
