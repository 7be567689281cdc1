"""What a check of a model in production has found, as it is kept and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from domain.forecasting import ModelType
from domain.market import Timeframe
from domain.values import epoch_ms
from models.drift.verdicts import BrierTrend, DriftStatus, FeatureDrift
from models.registry.registries import USUAL, RegistryKey

# Features that are kept and shown, the furthest ones.
MAX_WORST = 10

# A registry, and symbol (or `*`) and timeframe of a model of it.
Place = tuple[RegistryKey, str, Timeframe]


@dataclass(frozen=True)
class DriftFinding:
    """The newest check of one model.

    Attributes:
        symbol: Whose model, `*` for the pooled one.
        timeframe: Of its candles.
        version, model_type: In production.
        status: What follows.
        reason: Why it has this status, in words.
        checked_at: Aware UTC; None before the first check.
        candles: Rows that were compared with the training.
        newest_ms: Close of the newest of these candles, epoch ms; None without any.
        features: Features that were compared.
        drifted: Of them, those as far away as an alarm takes.
        worst: The furthest features, at most ten.
        features_status: What follows from the features alone; where there are no fresh candles, from the last ones.
        brier: Course of the Brier losses; None before the first check, and of plan models.
        key: Of which registry.
    """

    symbol: str
    timeframe: Timeframe
    version: str
    model_type: ModelType
    status: DriftStatus
    reason: str
    checked_at: datetime | None = None
    candles: int = 0
    newest_ms: int | None = None
    features: int = 0
    drifted: int = 0
    worst: tuple[FeatureDrift, ...] = ()
    features_status: DriftStatus = DriftStatus.NOT_CHECKED
    brier: BrierTrend | None = None
    key: RegistryKey = USUAL

    @property
    def place(self) -> Place:
        """Registry, symbol (or `*`) and timeframe."""
        return self.key, self.symbol, self.timeframe

    @property
    def market(self) -> str:
        """What the model forecasts, in words, such as `* 1h, 4 candles ahead`; one finding of each is kept."""
        return market_of(self.place)

    @property
    def alarm(self) -> bool:
        """Whether it should be trained again."""
        return self.status is DriftStatus.ALARM

    @property
    def retrain_command(self) -> str:
        """The command that trains such a model again."""
        symbol, options = f"'{self.symbol}'" if self.symbol == "*" else self.symbol, self.key.options
        return (
            f"python cli.py train FILE --type {self.model_type} --symbol {symbol} --timeframe {self.timeframe}{options}"
        )

    @property
    def advice(self) -> str:
        """What to do, in a sentence."""
        if self.status is DriftStatus.ALARM:
            return f"train again, on candles up to now: {self.retrain_command}"
        if self.status is DriftStatus.NO_REFERENCE:
            return f"no reference: train again: {self.retrain_command}"
        return {
            DriftStatus.NONE: "nothing to do",
            DriftStatus.NOTICE: f"watch it; if it goes on, train again: {self.retrain_command}",
            DriftStatus.TOO_FEW: "post closed candles of the market: it is checked again by itself",
        }.get(self.status, "it is checked within a minute, by the replica whose turn it is")

    def document(self) -> dict[str, Any]:
        """Return it as the store keeps it."""
        found = asdict(self)
        found["created_at"] = found.pop("checked_at")
        del found["key"]
        found["target"], found["horizon_candles"] = self.key.target, self.key.horizon
        for name in ("timeframe", "model_type", "status", "features_status"):
            found[name] = str(found[name])
        found["worst"] = list(found["worst"])
        return found

    def public(self) -> dict[str, Any]:
        """Return it as answers, events and the command line show it, JSON-like."""
        found = self.document()
        del found["created_at"], found["features_status"]
        found["checked_at"] = None if self.checked_at is None else epoch_ms(self.checked_at)
        found["newest_at"] = found.pop("newest_ms")
        if found["brier"]:
            found["brier"]["risen_at"] = found["brier"].pop("risen_ms")
        return {**found, "advice": self.advice, "retrain_command": self.retrain_command}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> DriftFinding:
        """Return the finding of a document."""
        plain = {name: document[name] for name in ("symbol", "version", "reason", "candles", "newest_ms")}
        return cls(
            **plain,
            timeframe=Timeframe(document["timeframe"]),
            model_type=ModelType(document["model_type"]),
            status=DriftStatus(document["status"]),
            checked_at=document["created_at"],
            features=document["features"],
            drifted=document["drifted"],
            features_status=DriftStatus(document["features_status"]),
            worst=tuple(FeatureDrift(**one) for one in document["worst"]),
            brier=BrierTrend(**document["brier"]) if document["brier"] else None,
            # Earlier releases knew the usual horizon alone.
            key=RegistryKey(document.get("target", "close"), document.get("horizon_candles")),
        )


def market_of(place: Place) -> str:
    """Return in words what the model of a place forecasts: the key of its finding."""
    key, symbol, timeframe = place
    return key.market(f"{symbol} {timeframe}")
