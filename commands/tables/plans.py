"""Records of the plans of a model, and plans of forecasts, as facts for a terminal."""

from __future__ import annotations

from commands.tables.figures import formatted, mean_text
from domain.trading.forecast_plans import PlanRecord, WeighedPlan


def record_facts(record: PlanRecord) -> dict[str, str]:
    """Return the results of plans on the predicted side out of sample, before costs, beside entries at random."""
    return {
        "measured": f"{record.samples:,} plans of both sides, {record.plans:,} independent ones behind the weight",
        "target first": f"{mean_text(record.target_first, '.3f')}, "
        f"entries at random {formatted(record.base_rate, '.3f')}",
        "mean result": f"{mean_text(record.expected_r)} R, entries at random {mean_text(record.random_r)} R",
        "above random": f"{mean_text(record.above_random_r)} R",
        "weight": f"{record.weight:+.3f} in log odds of full support, standard error {record.error:.3f}",
    }


def plan_facts(plan: WeighedPlan) -> dict[str, str]:
    """Return the plan of a forecast and what it is worth."""
    return {
        "plan": f"{plan.side} at {plan.entry:g}, stop {plan.stop:g}, target {plan.target:g}, "
        f"{plan.horizon_candles} candles at most",
        "worth": f"{plan.expected_r:+.3f} R after costs [{plan.low:+.3f}, {plan.high:+.3f}], {plan.net_bps:+.1f} bps: "
        f"{plan.verdict}",
        "target first": f"{plan.target_first:.3f}, break-even at {plan.break_even:.3f}",
    }
