"""The parameters of a job against bias, complete: its process reads no settings."""

from __future__ import annotations

from config.model_settings import ModelSettings
from config.section import Count
from config.settings import AnalysisSettings, IndicatorSettings
from domain.forecasting import VersionName
from domain.naming.symbols import SymbolName
from services.job_candles.series import JobSeries


class BiasParameters(JobSeries):
    """What a job checks, as JSON between the service and the job's process.

    Attributes:
        version: A model that is checked too.
        leaders: Candles of what leads the market; none where the version reads none, or there are none.
        moments: Number of moments after which a job for look-ahead changes the future.
        models: Where versions are.
    """

    symbol: SymbolName
    version: VersionName | None = None
    leaders: tuple[JobSeries, ...] = ()
    moments: Count
    analysis: AnalysisSettings
    indicators: IndicatorSettings
    models: ModelSettings
