"""The parameters of an evaluation, complete: the process of a job reads no settings."""

from __future__ import annotations

from config.model_settings import ModelSettings
from config.settings import FeatureSettings, IndicatorSettings, Settings
from domain.errors import InvalidRequest
from domain.forecasting import ModelScope, VersionName
from domain.market import Timeframe
from domain.trading.costs import Costs
from domain.values import Frozen
from models.registry.registries import USUAL, RegistryKey, settings_at
from services.job_candles.series import JobSeries
from services.training.parameters import PlanParameters

# A signal has to be filled and closed.
TRADED_CANDLES = 3


class EvaluationParameters(Frozen):
    """One evaluation.

    Attributes:
        version: Name of the version that is scored.
        symbol: Market of the candles.
        costs: Of trading on the forecasts of a model of the close, per change of position.
        features: Preparation of candles.
        indicators: By which the plans of the version are made.
        models: Where versions are, and how they are judged.
        plans: Of a plan model; None of a model of the close.
    """

    version: VersionName
    symbol: ModelScope
    costs: Costs
    features: FeatureSettings
    indicators: IndicatorSettings
    models: ModelSettings
    plans: PlanParameters | None = None

    @classmethod
    def of(
        cls,
        version: str,
        symbol: str,
        fee_bps: float | None,
        slippage_bps: float | None,
        settings: Settings,
        key: RegistryKey = USUAL,
    ) -> EvaluationParameters:
        """Return the parameters, with the market's own costs where None is given; `key` is the version's registry.

        Raises:
            InvalidRequest: costs are given for a plan model, whose evaluation trades nothing.
        """
        plans = key.target == "plan"
        if plans and (fee_bps is not None or slippage_bps is not None):
            raise InvalidRequest(
                f"{version} is a plan model: it is scored by which of target and stop comes first, before costs; leave "
                "the fee and the slippage out"
            )
        own = settings_at(settings, key)
        return cls(
            version=version,
            symbol=symbol,
            costs=settings.trading.costs.replaced(fee_bps, slippage_bps).of(symbol),
            features=own.features,
            indicators=own.indicators,
            models=own.models,
            plans=PlanParameters.of(settings) if plans else None,
        )


class EvaluationJobParameters(Frozen):
    """One evaluation, as JSON between the service and the job's process; the texts are shown with the job.

    Attributes:
        leaders: Candles of what leads the market; none where the version reads none, or there are none.
    """

    version: str
    symbol: str
    timeframe: Timeframe
    evaluation: EvaluationParameters
    series: JobSeries
    leaders: tuple[JobSeries, ...] = ()
