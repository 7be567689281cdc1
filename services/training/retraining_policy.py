"""Which models in production are retrained, and why; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from config.model_settings import ModelSettings
from domain.forecasting import ModelTarget, ModelType
from domain.market import Timeframe
from models.registry.registries import RegistryKey
from services.training.known_models import ServingModel

# A training ends hours after the look that began it: without this share of the interval a daily look would find the
# version of the day before a little too young, and train every second day.
_SLACK = 0.1
# A registry, and a market of it.
Place = tuple[RegistryKey, str, str]


class RetrainCause(StrEnum):
    """Why a model is retrained; `first` is the training where nothing serves yet, `full` the one of all."""

    FIRST = "first"
    AGE = "age"
    DRIFT = "drift"
    SELF_ANALYSIS = "self_analysis"
    FULL = "full"


@dataclass(frozen=True)
class RetrainReason:
    """A model to retrain, and why; `text` is for a person.

    Attributes:
        horizon_candles: Of a model of a further horizon; None of one of the usual horizon, and of a plan model.
    """

    symbol: str
    timeframe: Timeframe
    model_type: ModelType
    reason: RetrainCause
    text: str
    target: ModelTarget = "close"
    horizon_candles: int | None = None

    @property
    def key(self) -> RegistryKey:
        """Of which registry."""
        return RegistryKey(self.target, self.horizon_candles)

    @property
    def place(self) -> Place:
        """What is trained, whatever the type."""
        return self.key, self.symbol, self.timeframe.value


class RetrainingPolicy:
    """Decides by age and alarms; pure."""

    def __init__(self, settings: ModelSettings) -> None:
        """Keep the interval."""
        self._interval = timedelta(hours=settings.retrain_interval_hours)

    def due(self, now: datetime, trained: datetime | None) -> bool:
        """Return whether a training is old enough for the next one, or was never."""
        return trained is None or now - trained >= (1 - _SLACK) * self._interval

    def needed(
        self,
        now: datetime,
        models: Sequence[ServingModel],
        drifting: Mapping[tuple[RegistryKey, str], str],
        *,
        full: bool = False,
    ) -> list[RetrainReason]:
        """Return what has to be trained, each model once.

        Args:
            now: Aware UTC time.
            models: In production.
            drifting: Versions with an alarm, by registry and name, and the reason in words.
            full: Whether all are trained, whatever their age.
        """
        found = []
        for model in models:
            metadata, age = model.metadata, now - model.last_trained
            if (alarm := drifting.get((model.key, metadata.version))) is not None:
                cause, text = RetrainCause.DRIFT, alarm
            elif full:
                cause, text = RetrainCause.FULL, "every model is retrained"
            elif self.due(now, model.last_trained):
                hours = age.total_seconds() / 3600
                cause = RetrainCause.AGE
                text = f"trained {hours:.1f} hours ago, every {self._interval.total_seconds() / 3600:g} hours it is due"
            else:
                continue
            key, market = model.key, (metadata.symbol, metadata.timeframe)
            found.append(RetrainReason(*market, metadata.type, cause, text, key.target, key.horizon))
        return found
