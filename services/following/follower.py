"""Forecasts that the ledger does not settle: their models are asked at each closed candle of the loop's markets."""

from __future__ import annotations

from collections.abc import Mapping

from loguru import logger

from domain.analysis import MarketSnapshot
from domain.errors import AppError, ModelUnavailable
from domain.forecasting import Forecast
from domain.market import CandleSeries, Timeframe
from domain.timeframe_data import data_age
from domain.values import epoch_ms
from models.registry.registries import RegistryKey
from models.serving.forecaster import Forecaster
from models.serving.loaded_models import LoadedModels
from models.serving.served_models import ServedModels
from services.forecasts.forecasting import Forecasting
from services.forecasts.shadow_forecasts import ShadowRegistry, count_candidate_failure
from services.ledger.followed_forecasts import FollowedForecasts, is_followed
from services.ledger.recording.apart import apart_of
from utils import metrics
from utils.clock import Clock


class ForecastFollower:
    """Asks the models in production, and the candidates that shadow them, once for each closed candle."""

    def __init__(
        self,
        served: ServedModels,
        candidates: Mapping[RegistryKey, LoadedModels],
        forecasting: Forecasting,
        kept: FollowedForecasts,
        clock: Clock,
    ) -> None:
        """Keep the parts; nothing is loaded yet.

        Args:
            served: The models in production.
            candidates: Those that shadow them, of each registry with models of the close.
            forecasting: Asks a model.
            kept: Takes the forecasts.
            clock: The server's.
        """
        self._served = served
        self._candidates = candidates
        self._forecasting = forecasting
        self._kept = kept
        self._clock = clock
        self._done: dict[tuple[RegistryKey, str, Timeframe], tuple[str, int]] = {}

    async def follow(self, snapshot: MarketSnapshot) -> None:
        """Let the models of each horizon and timeframe forecast a market; nothing is raised.

        Args:
            snapshot: Of now; candles that are synthetic or old are passed over.
        """
        now_ms = epoch_ms(self._clock.now())
        closed = snapshot.closed(now_ms)
        old = data_age(closed.values(), None, now_ms).old
        if apart_of(snapshot.source_data, old=old, believed=True, trusted=True) is not None:
            return
        for key in self._candidates:
            for timeframe, series in closed.items():
                await self._follow(key, snapshot, timeframe, series)

    async def _follow(
        self, key: RegistryKey, snapshot: MarketSnapshot, timeframe: Timeframe, closed: CandleSeries
    ) -> None:
        symbol, models = snapshot.symbol, self._served.at(key)
        if models.known_absent(symbol, timeframe) or not len(closed):
            return
        try:
            model = await self._forecasting.asking(models).model(snapshot, timeframe)
            moment = model.metadata.version, closed.last_close_ms
            if (
                not is_followed(key, model.metadata.horizon_candles)
                or self._done.get((key, symbol, timeframe)) == moment
            ):
                return
            said = await self._forecasting.bare(model, snapshot, timeframe)
            self._kept.keep(key, said, closed, snapshot.source_data)
            self._done[key, symbol, timeframe] = moment
        except AppError as error:
            named = logger.bind(symbol=symbol, timeframe=timeframe.value, reason=error.message)
            named.debug("a model of a further horizon gave no forecast")
        except Exception as error:  # noqa: BLE001 - a defect of a model must not fail the loop
            named = logger.bind(symbol=symbol, timeframe=timeframe.value)
            named.opt(exception=error).error("a model of a further horizon failed")
        else:
            await self._beside(key, snapshot, model, said, closed)

    async def _beside(
        self, key: RegistryKey, snapshot: MarketSnapshot, model: Forecaster, said: Forecast, closed: CandleSeries
    ) -> None:
        """Let the candidate of a model forecast the same."""
        candidates, served = self._candidates[key], model.metadata
        if candidates.known_absent(snapshot.symbol, served.timeframe):
            return
        try:
            candidate = await self._forecasting.asking(candidates).model(snapshot, served.timeframe)
            # A candidate for `*` does not count for a symbol that has its own model.
            if candidate.metadata.scope != served.scope or candidate.metadata.horizon_candles != served.horizon_candles:
                return
            beside = await self._forecasting.bare(candidate, snapshot, served.timeframe)
            self._kept.keep(key, beside, closed, snapshot.source_data, said)
        except ModelUnavailable:  # there is none, or it was counted when it could not be loaded
            return
        except Exception as error:  # noqa: BLE001 - a defect of a candidate is no matter of the model in production
            metrics.SHADOW_FAILURES.inc()
            reason = error.message if isinstance(error, AppError) else repr(error)
            logger.bind(symbol=snapshot.symbol, beside=served.version, reason=reason).warning(
                "a candidate that shadows gave no forecast"
            )


def make_follower(
    served: ServedModels, forecasting: Forecasting, kept: FollowedForecasts, clock: Clock
) -> ForecastFollower:
    """Return what follows the models of each registry that forecast the close, and their candidates."""
    registries = served.registries
    seconds = registries.settings.models.serving.reload_seconds
    candidates = {
        key: LoadedModels(ShadowRegistry(registries.at(key).root), seconds, count_candidate_failure)
        for key in registries
        if key.target == "close"
    }
    return ForecastFollower(served, candidates, forecasting, kept, clock)
