"""Identities of the lanes: a hash over everything that makes a lane answer as it does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from config.backtest_settings import TradingSettings
from config.llm_settings import LlmSettings
from config.model_settings import ModelSettings
from config.section import Section
from config.settings import AnalysisSettings, IndicatorSettings
from domain.ledger.entries import LedgerLane, Origin
from features.indicators.technical_indicators import TechnicalIndicators
from rules.evidence.measured import MeasuredEvidence
from storage.document_ports import LEDGER_LANES, LastingDocuments
from utils.clock import Clock
from utils.version import service_version

ID_DIGITS = 12

# Which candles are read, and which timeframe the answer is of.
_READING = ("min_candles", "window_candles", "primary_timeframes")
_COSTS = ("fee_bps", "slippage_bps", "costs_by_kind")
_SIDES = ("long_probability", "short_probability")
_LLM = ("temperature", "reasoning_effort")
_BLEND = ("blend", "model_weight")

# The part of lanes with a plan model, which states their plans instead of the evidence.
PLAN_MODEL = "plan_model"
# The part of lanes with a recalibrated model: when it was recalibrated, epoch ms.
CALIBRATED_AT = "calibrated_at"

Parts = Mapping[str, Any]


class LaneSettings(Protocol):
    """The sections of the settings that lanes go by."""

    @property
    def analysis(self) -> AnalysisSettings: ...
    @property
    def indicators(self) -> IndicatorSettings: ...
    @property
    def models(self) -> ModelSettings: ...
    @property
    def trading(self) -> TradingSettings: ...
    @property
    def llm(self) -> LlmSettings: ...


@dataclass(frozen=True)
class LaneIdentity:
    """What an id stands for.

    Attributes:
        lane: Whose.
        lane_id: 12 hex digits, the same for the same parts in every process.
        parts: JSON-like, by name: code, settings, evidence, model, prompt; contents of files as hashes.
    """

    lane: LedgerLane
    lane_id: str
    parts: Parts

    @classmethod
    def of(cls, lane: LedgerLane, parts: Parts) -> LaneIdentity:
        """Return the identity of a lane that is made of these parts."""
        return cls(lane, digest({"lane": lane.value, **parts}), parts)


def digest(content: object) -> str:
    """Return 12 hex digits that are the same for the same JSON-like content, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return sha256(text.encode()).hexdigest()[:ID_DIGITS]


def keep_identities(documents: LastingDocuments, clock: Clock) -> Callable[[LaneIdentity], None]:
    """Return a function that stores an identity, once and for good: a record can be told from the one before it."""

    def keep(identity: LaneIdentity) -> None:
        document = {"created_at": clock.now(), "lane": identity.lane.value, "parts": dict(identity.parts)}
        documents.put_later(LEDGER_LANES, identity.lane_id, document, once=True)

    return keep


class LaneIdentities:
    """Tells the id of each lane by the settings in force, the indicators of the trading engine included.

    Guards are no part of it: they refuse sides and make none, and a refusal is a separate kind of entry. What a query
    has is no part either: its candles, strategies, costs, words of the client.
    """

    def __init__(
        self,
        settings: LaneSettings,
        indicators: TechnicalIndicators,
        prompt: Parts,
        note: Callable[[LaneIdentity], None],
    ) -> None:
        """Keep what lanes are made of.

        Args:
            settings: Those of the service, or of a drill.
            indicators: In use; their settings may change while the service runs.
            prompt: Version of the LLM's prompt, its instructions and the form of its reply.
            note: Called with each identity when it is first told.
        """
        self._settings = settings
        self._indicators = indicators
        self._prompt = {"version": prompt["version"], "content": digest(prompt)}
        self._note = note
        self._known: dict[tuple[LedgerLane, str, bool, str | None, int | None], str] = {}
        self._made_of: tuple[IndicatorSettings, MeasuredEvidence | None] | None = None
        self._rules: Parts = {}

    def id_of(
        self,
        lane: LedgerLane,
        by: str,
        origin: Origin,
        evidence: MeasuredEvidence | None,
        plan_model: str | None = None,
        calibrated_at: int | None = None,
    ) -> str:
        """Return the id of a lane.

        Args:
            lane: Whose.
            by: Version of the model, or name of the LLM; empty of rules alone.
            origin: A trend is blended in another way than an analysis.
            evidence: Evidence that plans are weighed by.
            plan_model: Version of the plan model that is asked before it; None without one.
            calibrated_at: When the model's calibration was renewed, epoch ms; None where it was not.
        """
        made_of = self._made_of
        if made_of is None or made_of[0] is not self._indicators.settings or made_of[1] is not evidence:
            self._made_of = self._indicators.settings, evidence
            self._rules = self._of_rules(evidence)
            self._known.clear()
        key = lane, by, origin is Origin.TREND, plan_model, calibrated_at
        found = self._known.get(key)
        if found is None:
            identity = LaneIdentity.of(lane, self._parts(lane, by, origin, plan_model, calibrated_at))
            found = self._known[key] = identity.lane_id
            self._note(identity)
        return found

    def _parts(
        self, lane: LedgerLane, by: str, origin: Origin, plan_model: str | None, calibrated_at: int | None
    ) -> Parts:
        model = self._model(by) if calibrated_at is None else {**self._model(by), CALIBRATED_AT: calibrated_at}
        if lane in {LedgerLane.MODEL, LedgerLane.SHADOW}:
            return {"service": service_version(), **model}
        rules = self._rules if plan_model is None else {**self._rules, PLAN_MODEL: plan_model}
        if lane is LedgerLane.BLEND:
            blend = {"blend": "trend"} if origin is Origin.TREND else _some(self._settings.analysis, _BLEND)
            return {**rules, **model, "blend": blend}
        return {**rules, "llm": self._llm(by)} if lane is LedgerLane.LLM else rules

    def _of_rules(self, evidence: MeasuredEvidence | None) -> Parts:
        settings = self._settings
        return {
            "service": service_version(),
            "analysis": _some(settings.analysis, _READING),
            # Both engines give the same numbers.
            "indicators": self._indicators.settings.model_dump(mode="json", exclude={"engine"}),
            "trading": _some(settings.trading, _COSTS),
            "evidence": digest(evidence.model_dump(mode="json")) if evidence else None,
        }

    def _model(self, version: str) -> Parts:
        settings = self._settings
        serving = _some(settings.models.serving, _SIDES)
        # Plans of models are placed by the service's own setting, whatever the engine's is.
        return {"model": version, "serving": serving, "plans": _some(settings.indicators, ("atr_period",))}

    def _llm(self, model: str) -> Parts:
        settings = self._settings.llm
        return {
            "model": model,
            # The address may name a host of the operator's.
            "endpoint": digest(settings.base_url) if settings.base_url else "openai",
            **_some(settings.model_settings(model), _LLM),
            "prompt": self._prompt,
        }


def _some(section: Section, names: tuple[str, ...]) -> Parts:
    found: Parts = section.model_dump(mode="json", include=set(names))
    return found
