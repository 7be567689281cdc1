"""The trading engine's indicator settings: asked for in the background, applied, or reported as unsupported."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx2
import msgspec
from loguru import logger
from pydantic import ValidationError

from config.errors.needs import need_of
from config.settings import IndicatorSettings, Settings
from features.indicators.technical_indicators import TechnicalIndicators
from services.market_data.engine_answers import EngineAnswer, ask_engine
from services.market_data.fetching import SourceFailed
from utils.clock import Clock

PATH = "/api/paper-trading/indicator-settings"
# Our settings by the engine's names.
_OURS = {
    "rsi_period": "rsi_period",
    "macd_fast": "macd_fast",
    "macd_slow": "macd_slow",
    "macd_signal": "macd_signal",
    "ema_periods": "ema_periods",
    "bollinger_period": "bollinger_period",
    "bollinger_std": "bollinger_deviations",
    "volume_sma_period": "volume_period",
    "stochastic_k_period": "stochastic_period",
    "stochastic_d_period": "stochastic_smoothing",
}
# An indicator with a longer period has not settled after 300 candles.
MAX_PERIOD = 200
MAX_AVERAGES = 20
MAX_FIELDS = 100
MAX_NAME = 100


_DECODER = msgspec.json.Decoder(EngineAnswer[dict[str, dict[str, Any]]])


@dataclass(frozen=True)
class SettingsReport:
    """The engine's settings: applied and unsupported ones.

    Attributes:
        applied: Values by the engine's name.
        unsupported: Reason why a field changes nothing, by its section and name.
        refreshed_at: Time of the engine's last answer; None before the first.
    """

    applied: Mapping[str, Any] = field(default_factory=dict)
    unsupported: Mapping[str, str] = field(default_factory=dict)
    refreshed_at: datetime | None = None


class EngineSettings:
    """Keeps the indicators in step with the engine; while it does not answer, the last settings stay.

    Attributes:
        indicators: Get the settings.
        report: Of the newest settings.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient,
        settings: Settings,
        indicators: TechnicalIndicators,
        clock: Clock,
    ) -> None:
        """Keep the engine's address and our own settings, which hold where the engine has none."""
        self.indicators = indicators
        self.report = SettingsReport()
        self._client = client
        self._engine = settings.market_data
        self._own = settings.indicators
        self._clock = clock
        self._works: bool | None = None

    def overruled(self) -> set[str]:
        """Return the names of our settings that the engine decides now."""
        return {_OURS[name] for name in self.report.applied}

    async def refresh(self) -> None:
        """Ask the engine and apply its answer; a failure is logged when it is new."""
        try:
            sections = await ask_engine(self._client, self._engine.engine_url, PATH, _DECODER)
        except SourceFailed as failure:
            if self._works is not False:
                logger.bind(reason=failure.message).warning("the engine's indicator settings cannot be read")
            self._works = False
            return
        self._works = True
        self._apply(sections)

    async def run(self) -> None:
        """Refresh at every interval until canceled; return at once without an engine."""
        if not self._engine.engine_url or not self._engine.engine_settings_minutes:
            return
        while True:
            try:
                await self.refresh()
            except Exception as error:  # noqa: BLE001 - a defect must not end the loop
                logger.opt(exception=error).error("the engine's indicator settings cannot be applied")
            await asyncio.sleep(60 * self._engine.engine_settings_minutes)

    def _apply(self, sections: Mapping[str, Mapping[str, Any]]) -> None:
        before = self.report
        settings, applied, unsupported = _translated(sections, self._own)
        self.report = SettingsReport(applied, unsupported, self._clock.now())
        if applied != before.applied:
            self.indicators.use(settings)
            logger.bind(settings=applied).info("indicator settings of the engine applied")
        if unsupported != before.unsupported:
            logger.bind(fields=unsupported).warning("settings of the engine are not supported")


def _translated(
    sections: Mapping[str, Mapping[str, Any]], own: IndicatorSettings
) -> tuple[IndicatorSettings, dict[str, Any], dict[str, str]]:
    """Return our settings with the engine's, the applied values, and the reasons why others are not."""
    settings, applied, unsupported = own, dict[str, Any](), dict[str, str]()
    fields = [(section, name, value) for section, values in sections.items() for name, value in values.items()]
    for section, name, value in fields[:MAX_FIELDS]:
        shown = f"{section}.{name}"[:MAX_NAME]
        if section != "indicators" or name not in _OURS:
            unsupported[shown] = "this service has no such setting"
            continue
        try:
            settings = _with(settings, _OURS[name], value)
        except ValueError as error:
            unsupported[shown] = _reason(error)
        else:
            applied[name] = value
    if settings.macd_fast >= settings.macd_slow:
        for name in ("macd_fast", "macd_slow"):
            settings = settings.model_copy(update={name: getattr(own, name)})
            applied.pop(name, None)
            unsupported[f"indicators.{name}"] = "macd_fast must be less than macd_slow"
    return settings, applied, unsupported


def _with(settings: IndicatorSettings, name: str, value: Any) -> IndicatorSettings:
    """Return the settings with one changed; moving averages are added to our own, which the strategies read.

    Raises:
        ValueError: the value does not fit.
    """
    if name == "ema_periods":
        if not isinstance(value, list) or len(value) > MAX_AVERAGES:
            raise ValueError(f"needs a list of at most {MAX_AVERAGES} periods")
        value = (*settings.ema_periods, *(period for period in value if period not in settings.ema_periods))
    changed = IndicatorSettings.model_validate({**settings.model_dump(), name: value}, strict=True)
    numbers = value if isinstance(value, tuple) else (value,)
    if max(numbers) > MAX_PERIOD:
        raise ValueError(f"needs at most {MAX_PERIOD}")
    return changed


def _reason(error: ValueError) -> str:
    return need_of(error.errors(include_url=False)[0]) if isinstance(error, ValidationError) else str(error)
