"""The LLM, for operators: its costs, and a call to it."""

from __future__ import annotations

from fastapi import APIRouter

from api.dependencies import Admin, DebugLimit, DefaultLimit
from api.parts import AnalysisPart, ClockPart, LlmPart, SettingsPart
from api.schemas.operation.llm import LlmProbe
from services.llm.cost_statistics import CostStatistics, report_costs
from services.llm.probe import probe

router = APIRouter(tags=["llm"])


@router.get(
    "/ai/cost/statistics", operation_id="cost_statistics", summary="What the LLM costs", dependencies=[DefaultLimit]
)
async def cost_statistics(
    llm: LlmPart, settings: SettingsPart, analysis: AnalysisPart, clock: ClockPart
) -> CostStatistics:
    """Return tokens and costs of all calls, of today and of this month, projections, prices, budgets and keys."""
    return report_costs(llm, settings, analysis.recent.hit_rate, clock)


@router.get(
    "/debug/gpt4", operation_id="debug_gpt4", summary="Ask the LLM once (admin)", dependencies=[DebugLimit, Admin]
)
async def debug_gpt4(llm: LlmPart, settings: SettingsPart) -> LlmProbe:
    """Spend one call and return its result; 200 in any case."""
    result = await probe(llm.client)
    return LlmProbe.of(result, client=llm.client is not None, key=bool(settings.llm.keys))
