"""Sentences on the evidence: what plans like this one came to."""

from __future__ import annotations

from domain.trading.evidence import Evidence, EvidenceVerdict
from rules.context import MarketContext
from rules.evidence.weighing import rests_on_plans
from rules.reasons.market import figure
from rules.verdict import Verdict


def describe_evidence(context: MarketContext, verdict: Verdict) -> str:
    """Return a sentence on the results of plans like this one; empty where no plan can be made."""
    evidence = verdict.evidence
    if evidence is None:
        return ""
    if verdict.by_plan_model:
        return _plan_model_sentence(evidence)
    if not rests_on_plans(evidence):
        return "How plans like this came out was not measured: the confidence is agreement alone."
    subject = "Plans like this one" if verdict.plan else "Plans with the trend"
    after = f"{evidence.expected_r:+.3f} of their risk after costs of {figure(evidence.cost_bps)} bps"
    if evidence.verdict is EvidenceVerdict.INSUFFICIENT:
        return (
            f"No plans of this kind of market were measured on {context.primary}: evidence insufficient. By a part of "
            f"what other plans came to, such plans reach the target first in {evidence.target_first:.1%}, break-even "
            f"being {evidence.break_even:.1%}, and come to {after}."
        )
    return (
        f"{subject} reached the target first in {evidence.target_first:.1%}, "
        f"break-even being {evidence.break_even:.1%}, "
        f"and came to {after}: evidence {evidence.verdict}, from {evidence.plans} independent plans."
    )


def _plan_model_sentence(evidence: Evidence) -> str:
    said = (
        f"The plan model gives the plan of the trend {evidence.target_first:.1%} to reach its target first, "
        f"break-even being {evidence.break_even:.1%}"
    )
    if evidence.verdict is EvidenceVerdict.INSUFFICIENT:
        return f"{said}, from {evidence.plans} independent plans, too few to tell: the confidence is agreement alone."
    return (
        f"{said}, which comes to {evidence.expected_r:+.3f} of its risk after costs of "
        f"{figure(evidence.cost_bps)} bps. "
        f"The confidence is by this model, from {evidence.plans} independent plans: evidence {evidence.verdict}."
    )
