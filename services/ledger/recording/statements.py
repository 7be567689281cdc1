"""What each lane says of a market, taken from an answer and from what it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from domain.analysis import AnalysisSource, TradeSignal
from domain.forecasting import Forecast
from domain.ledger.entries import NEXT_CANDLE, EntryKind, LedgerLane
from domain.trading.gates import Abstention
from domain.values import Signal
from rules.evidence.measured import MeasuredEvidence
from rules.judgement import Judgement
from rules.plans import HORIZON_CANDLES
from rules.verdict import Ground, Verdict

LANE_OF = {
    AnalysisSource.LLM: LedgerLane.LLM,
    AnalysisSource.TECHNICAL: LedgerLane.RULES,
    AnalysisSource.MODEL: LedgerLane.MODEL,
    AnalysisSource.ENSEMBLE: LedgerLane.BLEND,
}
_KINDS = {
    Abstention.NO_EDGE: EntryKind.NO_EDGE,
    Abstention.NO_DATA: EntryKind.NO_DATA,
    Abstention.REFUSED: EntryKind.REFUSED,
}
# Lanes in which a model takes part.
_BY_MODEL = frozenset({LedgerLane.MODEL, LedgerLane.BLEND})


# Tuples, as each fresh answer makes some: frozen dataclasses take five times as long to make.
class Statement(NamedTuple):
    """What one lane says; fields as of `LedgerEntry`.

    Attributes:
        by: Version of the model, or name of the LLM; empty of rules alone.
        given: Whether it is the answer; the others are recorded with it.
        calibrated_at: When the model was recalibrated, epoch ms; None where it was not, and of rules alone.
    """

    lane: LedgerLane
    by: str
    given: bool
    kind: EntryKind
    side: Signal
    confidence: float
    stop: float | None = None
    target: float | None = None
    target_first: float | None = None
    probability_up: float | None = None
    cost_usd: float | None = None
    calibrated_at: int | None = None

    @property
    def has_plan(self) -> bool:
        """Whether it proposes a trade."""
        return self.stop is not None and self.target is not None

    def entry_fields(self) -> dict[str, Any]:
        """Return the fields of a `LedgerEntry` that say it."""
        return {
            "kind": self.kind,
            "side": self.side,
            "stop": self.stop,
            "target": self.target,
            "horizon_candles": HORIZON_CANDLES if self.has_plan else None,
            "target_first": self.target_first,
            "probability_up": self.probability_up,
            "confidence": self.confidence,
            "cost_usd": self.cost_usd,
        }

    def refused(self) -> Statement:
        """Return it as a guard makes it: without its side, which stop and target still tell."""
        return self if self.side is Signal.NEUTRAL else self._replace(kind=EntryKind.REFUSED, side=Signal.NEUTRAL)


class AnswerBasis(NamedTuple):
    """What an answer rests on, beyond what it says.

    Attributes:
        by_rules: The verdict of the rules alone, which no guard has touched.
        by_blend: That of rules and model together; None where no model has a share.
        closed_ms: Close of the newest closed candle of the answer's timeframe, in epoch ms.
        old: Whether the candles are too old for news.
        cost_bps: Costs of a round trip that the plans were weighed with.
        evidence: Evidence that the plans were weighed by.
        plan_model: Version of the plan model that was asked before it; None without one.
    """

    by_rules: Verdict
    by_blend: Verdict | None
    closed_ms: int
    old: bool
    cost_bps: float
    evidence: MeasuredEvidence | None
    plan_model: str | None

    @classmethod
    def of(cls, judgement: Judgement) -> AnswerBasis:
        """Return the basis of the answers to a judged market, without its candles."""
        context = judgement.context
        return cls(
            by_rules=judgement.by_rules,
            by_blend=judgement.verdict if judgement.view.blended else None,
            closed_ms=context.main.series.last_close_ms,
            old=context.age.old,
            cost_bps=context.weigher.costs.of(context.symbol).round_trip_bps,
            evidence=context.weigher.evidence,
            plan_model=context.plan_model,
        )


def of_signal(signal: TradeSignal, basis: AnswerBasis) -> Iterator[Statement]:
    """Yield the answer, and then what the other lanes say of the same candles, each lane once."""
    answer, forecast = of_answer(signal), signal.forecast
    yield answer
    if answer.lane is not LedgerLane.RULES:
        yield of_verdict(LedgerLane.RULES, basis.by_rules)
    if forecast is not None and answer.lane is not LedgerLane.MODEL:
        yield of_forecast(forecast, given=False)
    if forecast is not None and basis.by_blend is not None and answer.lane is not LedgerLane.BLEND:
        blend = of_verdict(LedgerLane.BLEND, basis.by_blend, forecast.model_version)
        yield blend._replace(calibrated_at=forecast.calibrated_at)


def of_answer(signal: TradeSignal) -> Statement:
    """Return the answer itself, after the guards."""
    lane, forecast, risk = LANE_OF[signal.source], signal.forecast, signal.risk_assessment
    stop, target = risk.stop_loss_suggestion, risk.take_profit_suggestion
    by_model = lane is LedgerLane.MODEL
    return Statement(
        lane=lane,
        by=_answered_by(signal, lane),
        given=True,
        kind=kind_of(signal.signal, signal.abstention),
        side=signal.signal,
        confidence=signal.confidence,
        stop=stop,
        target=target,
        # The evidence of a Neutral is that of the better side's plan, which is not proposed.
        target_first=signal.evidence.target_first if signal.evidence and stop is not None else None,
        probability_up=_of_next_candle(forecast) if by_model and forecast else None,
        cost_usd=signal.cost_usd,
        calibrated_at=forecast.calibrated_at if forecast and lane in _BY_MODEL else None,
    )


def of_verdict(lane: LedgerLane, verdict: Verdict, by: str = "") -> Statement:
    """Return what rules, or rules and model, say beside the answer."""
    plan, evidence = verdict.plan, verdict.evidence
    no_data = Abstention.NO_DATA if verdict.ground is Ground.BROKEN else None
    return Statement(
        lane=lane,
        by=by,
        given=False,
        kind=kind_of(verdict.signal, no_data),
        side=verdict.signal,
        confidence=round(verdict.confidence, 4),
        stop=plan.stop if plan else None,
        target=plan.target if plan else None,
        target_first=evidence.target_first if plan and evidence else None,
    )


def of_forecast(forecast: Forecast, *, given: bool) -> Statement:
    """Return what a model says: a side, a probability and, where its version has a record of plans, its plan."""
    # The plan is that of the likelier side: a Neutral does not propose it.
    plan = forecast.plan if forecast.plan and forecast.plan.side is forecast.signal else None
    return Statement(
        lane=LedgerLane.MODEL,
        by=forecast.model_version,
        given=given,
        kind=kind_of(forecast.signal, None),
        side=forecast.signal,
        confidence=forecast.confidence,
        stop=plan.stop if plan else None,
        target=plan.target if plan else None,
        target_first=plan.target_first if plan else None,
        probability_up=_of_next_candle(forecast),
        calibrated_at=forecast.calibrated_at,
    )


def of_trend(found: TradeSignal, confidence: float, forecast: Forecast | None, *, blended: bool) -> Iterator[Statement]:
    """Yield a trend, and then what the other lanes say of the same candles; a trend proposes no plan.

    Args:
        found: By the rules alone.
        confidence: As it is answered.
        forecast: Of the model that was asked; None where none was.
        blended: Whether the model has lowered the confidence.
    """
    kind = kind_of(found.signal, found.abstention)
    if blended and forecast is not None:
        blend = Statement(LedgerLane.BLEND, forecast.model_version, True, kind, found.signal, confidence)
        yield blend._replace(calibrated_at=forecast.calibrated_at)
    yield Statement(LedgerLane.RULES, "", not blended, kind, found.signal, found.confidence)
    if forecast is not None:
        yield of_forecast(forecast, given=False)


def kind_of(side: Signal, abstention: Abstention | None) -> EntryKind:
    """Return the kind of a side, or of a Neutral that abstains for this reason; without one there is no edge."""
    if side is not Signal.NEUTRAL:
        return EntryKind.SIDE
    return _KINDS[abstention] if abstention else EntryKind.NO_EDGE


def _answered_by(signal: TradeSignal, lane: LedgerLane) -> str:
    if lane is LedgerLane.LLM:
        return signal.model_type
    return signal.forecast.model_version if signal.forecast and lane is not LedgerLane.RULES else ""


def _of_next_candle(forecast: Forecast) -> float | None:
    # One further ahead would be compared with the wrong close: `services/ledger/followed_forecasts.py` keeps those.
    return forecast.probability_up if forecast.horizon_candles == NEXT_CANDLE else None
