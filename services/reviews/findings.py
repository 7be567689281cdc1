"""Rules that judge the service's own settings and models by measured figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any, Literal

from domain.ledger.entries import PLAN, LedgerLane
from domain.trading.evidence import EvidenceVerdict
from domain.trading.trades import ClosedTrade
from models.registry.metadata import ModelMetadata
from services.ledger.scoring.records import Record
from services.reviews.trade_figures import MIN_TRADES, TradeGroup, TradeStatistics, group_of, groups_of, statistics_of
from services.reviews.week import Week

NextStep = Literal["retrain", "wait", "optimize_parameters"]
Urgency = Literal["low", "medium", "high"]
MIN_CONFIDENCE = "min_confidence"
# Bounds of a signal's confidence that are tried.
BOUNDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75)
# Both ends of a 95 % interval are below zero from here on.
SURE = 0.975
MAX_ISSUES = 5


@dataclass(frozen=True)
class ReviewEvidence:
    """The figures to judge.

    Attributes:
        trades: Closed trades of trusted clients.
        days: Length of the period that they cover.
        records: Of the lanes, in the ledger.
        model: In production for the first symbol and timeframe; None without one.
        indicators: Settings of the indicators in force.
        signal: Settings that decide which signals are sent.
        week: The newest days.
    """

    trades: Sequence[ClosedTrade]
    days: int
    records: Sequence[Record]
    model: ModelMetadata | None
    indicators: Mapping[str, Any]
    signal: Mapping[str, Any]
    week: Week


@dataclass(frozen=True)
class Change:
    """Another value of a setting, and the reason for it."""

    setting: str
    current: float
    suggested: float
    reason: str


@dataclass(frozen=True)
class Suggestions:
    """Changes of settings that the trades suggest; `confidence` is the probability that the trades kept out lose."""

    root_cause: str
    key_issues: Sequence[str]
    data_quality: str
    changes: Sequence[Change]
    summary: str
    confidence: float
    risk_assessment: str


@dataclass(frozen=True)
class Advice:
    """The next step for the model in production."""

    recommendation: NextStep
    confidence: float
    reasoning: str
    urgency: Urgency
    suggested_actions: Sequence[str]


@dataclass(frozen=True)
class Review:
    """The result; a part is None where the figures are too few, and `missing` says which."""

    statistics: TradeStatistics
    suggestions: Suggestions | None
    advice: Advice | None
    missing: str


def review(evidence: ReviewEvidence) -> Review:
    """Return the review of the figures."""
    statistics = statistics_of(evidence.trades)
    suggestions = _suggest(evidence, statistics) if statistics.total_trades >= MIN_TRADES else None
    measured = any(is_judged(record) for record in evidence.records)
    advice = _advise(evidence, suggestions) if suggestions or measured else None
    missing = (
        f"{statistics.total_trades} closed trades were reported by trusted clients in {evidence.days} days, "
        f"{MIN_TRADES} are needed for suggestions"
    )
    if not measured:
        missing += "; too few calls in the ledger are settled to be judged"
    return Review(statistics, suggestions, advice, missing)


def _suggest(evidence: ReviewEvidence, statistics: TradeStatistics) -> Suggestions:
    losing = [group for group in groups_of(evidence.trades) if group.loses >= SURE]
    bound = _confidence_bound(evidence)
    changes = [bound[0]] if bound else []
    known = sum(trade.ai_confidence is not None for trade in evidence.trades)
    return Suggestions(
        root_cause=f"The losses stand out in: {losing[0].name}."
        if losing
        else "No strategy, side or symbol loses more than chance explains.",
        key_issues=[_described(group) for group in losing[:MAX_ISSUES]],
        data_quality=f"{statistics.total_trades} trades of {evidence.days} days, {known} with a signal's confidence",
        changes=changes,
        summary=f"{changes[0].reason}." if changes else "The trades suggest no change of a setting.",
        confidence=round(bound[1].loses, 4) if bound else 0.0,
        risk_assessment="Groups are tested one by one: of forty groups without a real loss, one looks like this by "
        "chance. Past trades do not promise future results.",
    )


def _described(group: TradeGroup) -> str:
    return (
        f"{group.name}: {group.trades} trades, mean {group.mean_percent:+.2f} % of the margin "
        f"(95 %: {group.low:+.2f} to {group.high:+.2f})"
    )


def _confidence_bound(evidence: ReviewEvidence) -> tuple[Change, TradeGroup] | None:
    """Return a higher bound of the confidence, and the trades that it would have kept out.

    These lose with 97.5 % probability, and the other trades do better; of several bounds, the surest.
    """
    current = float(evidence.signal[MIN_CONFIDENCE])
    known = [(trade.ai_confidence, trade) for trade in evidence.trades if trade.ai_confidence is not None]
    found = []
    for bound in BOUNDS:
        name = f"confidence from {current:g} to {bound:g}"
        out = group_of(name, [trade for confidence, trade in known if current <= confidence < bound])
        stay = group_of("the rest", [trade for confidence, trade in known if confidence >= bound])
        if out and stay and out.loses >= SURE and stay.mean_percent > out.mean_percent:
            reason = f"{_described(out)}; from {bound:g} on {stay.trades} trades with {stay.mean_percent:+.2f} %"
            found.append((Change(MIN_CONFIDENCE, current, bound, reason), out))
    return max(found, key=lambda candidate: candidate[1].loses, default=None)


def _advise(evidence: ReviewEvidence, suggestions: Suggestions | None) -> Advice:
    if evidence.model is None:
        reason = "No model is in production for the first symbol and timeframe, so there is none to judge."
        return Advice("retrain", 1.0, reason, "low", ["Train a model: POST /ai/train, or `cli.py train`."])
    decay = _decay(evidence)
    known = decay[1] if decay else _not_measured(evidence.model)
    if decay and decay[0] >= SURE:
        return Advice("retrain", round(decay[0], 4), known, "high", ["Train a new version and compare the two."])
    if sudden := _sudden_decay(evidence.week):
        return Advice("retrain", SURE, sudden, "high", ["Train a new version and compare the two."])
    if suggestions and suggestions.changes:
        reason = f"{known} The trades suggest another setting: {suggestions.summary}"
        return Advice("optimize_parameters", suggestions.confidence, reason, "medium", ["Read the suggestions."])
    return Advice("wait", round(1 - decay[0], 4) if decay else 0.0, known, "low", [])


def _decay(evidence: ReviewEvidence) -> tuple[float, str] | None:
    """Return the probability that the model hits less often than when it was trained, and the figures in words.

    The test of two shares, normal approximation. Only forecasts that took a side are measured, which should hit
    more often than all: so the test errs towards waiting.
    """
    model, record = evidence.model, _record_of(evidence)
    trained = model.metrics if model else None
    if model is None or trained is None or not trained.accuracy or record is None or record.hit_rate is None:
        return None
    shares = ((trained.accuracy, trained.count), (record.hit_rate, record.effective))
    pooled = sum(share * count for share, count in shares) / sum(count for _, count in shares)
    error = sqrt(pooled * (1 - pooled) * sum(1 / count for _, count in shares))
    probability = NormalDist().cdf((trained.accuracy - record.hit_rate) / error) if error else 0.5
    words = (
        f"{model.version} was right in {trained.accuracy:.1%} of {trained.count} predictions out of sample. "
        f"Its settled Long and Short calls were right in {record.hit_rate:.1%} of {record.count} (worth "
        f"{record.effective:.0f} independent ones), {record.key.horizon} candles of {record.key.timeframe} on "
        f"(95 %, at every look: {record.low:.1%} to {record.high:.1%}; always one side: {record.base_rate:.1%})."
    )
    return probability, words


def _sudden_decay(week: Week) -> str | None:
    """Return in words that the model got worse within the newest days, where that is sure; None otherwise.

    The whole interval, which holds at every look, has to be below the hit rate of the training: the longer record
    hides what happened in a few days.
    """
    model = week.model
    if model is None or model.period is None or model.period.high is None or model.trained_hit_rate is None:
        return None
    now = model.period
    if not is_judged(now) or now.hit_rate is None or model.period.high >= model.trained_hit_rate:
        return None
    return (
        f"{model.version} was right in {model.trained_hit_rate:.1%} out of sample when it was trained, and in "
        f"{now.hit_rate:.1%} of {now.count} calls of the newest {week.days} days "
        f"(95 %, at every look: {now.low:.1%} to {now.high:.1%})."
    )


def is_judged(record: Record) -> bool:
    """Return whether a record has enough calls to be judged."""
    return record.verdict is not EvidenceVerdict.INSUFFICIENT


def _record_of(evidence: ReviewEvidence) -> Record | None:
    """Return the model's record on its timeframe, at the horizon that is nearest to its own."""
    model = evidence.model
    if model is None:
        return None
    own = [
        record
        for record in evidence.records
        if (record.key.lane, record.key.timeframe) == (LedgerLane.MODEL, model.timeframe)
        and record.key.horizon != PLAN
        and is_judged(record)
    ]
    return min(own, key=lambda record: abs(record.key.horizon - model.horizon_candles), default=None)


def _not_measured(model: ModelMetadata) -> str:
    return f"Too few Long and Short calls of {model.version} are settled to measure how often it is right now."
