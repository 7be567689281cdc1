"""Who is believed: judgements of the past become calls of the rules, a model, both, a strategy or recorded answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from backtesting.past.market import PastJudgement
from backtesting.trading.orders import Call
from domain.values import Signal
from rules.direction import TrendView
from rules.reasoning import LEAN
from rules.risk import assess_risk
from rules.strategies import NO_VIEW, STRATEGIES
from rules.verdict import Ground, Verdict

# Time limit of a plan.
HORIZON_CANDLES = 240

# From a judgement to the call of a lane; None where it stays out.
Caller = Callable[[PastJudgement], Call | None]
_UNTRADABLE = frozenset({Ground.FLAT, Ground.WILD, Ground.BROKEN})


@dataclass(frozen=True)
class RecordedAnswer:
    """What an LLM said of a market at a moment; exits that are None are those of the rules."""

    signal: Signal
    confidence: float
    stop: float | None
    target: float | None


def rules_call(past: PastJudgement) -> Call | None:
    """Return the call of the rules alone."""
    judgement = past.judgement
    verdict = judgement.by_rules
    return _call(past, judgement.rules, verdict, verdict.ground.value)


def strategy_caller(name: str) -> Caller:
    """Return the calls of one named strategy: Long or Short where it leans, with its score as the confidence."""

    def call(past: PastJudgement) -> Call | None:
        judgement = past.judgement
        score = STRATEGIES[name](judgement.context.main.latest)
        if abs(score - NO_VIEW) < LEAN or judgement.by_rules.ground in _UNTRADABLE:
            return None
        signal = Signal.LONG if score > NO_VIEW else Signal.SHORT
        return _call(past, judgement.rules, _verdict(signal, max(score, 1 - score)), name)

    return call


def model_call(past: PastJudgement) -> Call | None:
    """Return the call of a model alone; none where it has no forecast."""
    judgement = past.judgement
    forecast = judgement.context.forecast
    if forecast is None or forecast.signal is Signal.NEUTRAL or judgement.by_rules.ground in _UNTRADABLE:
        return None
    return _call(past, judgement.rules, _verdict(forecast.signal, forecast.confidence), "model")


def blend_call(past: PastJudgement) -> Call | None:
    """Return the call of rules and model together; none where there is no forecast."""
    judgement = past.judgement
    if judgement.context.forecast is None:
        return None
    return _call(past, judgement.view, judgement.verdict, judgement.verdict.ground.value)


def recorded_caller(answers: Mapping[int, RecordedAnswer]) -> Caller:
    """Return the calls of recorded answers.

    Args:
        answers: By the moment of the judgement, epoch ms.
    """

    def call(past: PastJudgement) -> Call | None:
        answer, judgement = answers.get(past.moment_ms), past.judgement
        if answer is None or answer.signal is Signal.NEUTRAL or judgement.by_rules.ground in _UNTRADABLE:
            return None
        verdict = _verdict(answer.signal, answer.confidence)
        made = _call(past, judgement.rules, verdict, "llm")
        if made is None or answer.stop is None or answer.target is None:
            return made
        return replace(made, stop=answer.stop, target=answer.target)

    return call


def _verdict(signal: Signal, confidence: float) -> Verdict:
    """Return the verdict of a signal that is not of the rules' trend."""
    return Verdict(signal, confidence, Ground.TREND)


def _call(past: PastJudgement, view: TrendView, verdict: Verdict, ground: str) -> Call | None:
    """Return the call of a verdict with the exits and the size of the rules, None of a Neutral one."""
    if verdict.signal is Signal.NEUTRAL:
        return None
    risk = assess_risk(past.judgement.context, view, verdict)
    stop, target = risk.stop_loss_suggestion, risk.take_profit_suggestion
    if stop is None or target is None or min(stop, target) <= 0:
        return None
    return Call(
        position=past.position,
        side=verdict.signal,
        stop=stop,
        target=target,
        horizon_candles=HORIZON_CANDLES,
        size=risk.recommended_position_size,
        confidence=round(verdict.confidence, 4),
        ground=ground,
    )
