"""The analyst that asks an LLM and checks its answer against the facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

from domain.analysis import Analysis, AnalysisSource, Conclusion, DataSource
from domain.errors import LlmUnavailable
from domain.trading.disabled import LLM, WhyDisabled
from domain.trading.gates import Abstention
from domain.trading.lanes import Lane, Lanes
from domain.values import Signal
from rules.context import MarketContext
from rules.direction import TrendView
from rules.judgement import Judgement
from rules.plans import Exits
from rules.reasons.data import describe_age
from rules.risk import assess_risk
from rules.technical import TechnicalAnalyst
from rules.verdict import UNTRADABLE, decide_for
from services.analysis.prompt import analysis_prompt
from services.analysis.reply import AnalysisReply
from services.ledger.scoring.lanes import LaneGate
from services.llm.advisor import Advisor
from services.llm.grounding import MARKET_NAMES, FigureCheck, real_levels
from services.llm.journal import Journal
from utils import metrics

PURPOSE = "analysis"
REPLAY = "replay"
# Where no stop and no target can be placed, the LLM is not asked.
NOTHING_TO_JUDGE = "nothing_to_judge"
SYNTHETIC = "synthetic"
# The lane has no lift, and this candle is not in its sample.
SAMPLING = "sampling"
DISABLED = "disabled"


class LlmAnalyst:
    """Takes signal, confidence, reasoning, scores and trend from the LLM; levels and exits where they pass its checks.

    Volatility, volume, risk and timeframes stay as measured. What the rules alone answer is kept as well.
    """

    def __init__(
        self,
        journal: Journal,
        rules: TechnicalAnalyst,
        gate: LaneGate,
        why_disabled: WhyDisabled,
        *,
        ask_about_synthetic: bool,
    ) -> None:
        """Keep the parts.

        Args:
            journal: Asks the LLM.
            rules: Measure the rest.
            gate: Says of which candles it is asked.
            why_disabled: Tells whether the LLM takes part now.
            ask_about_synthetic: Whether it is asked about synthetic candles.
        """
        self._advisor = Advisor(journal, AnalysisReply, purpose=PURPOSE, names=MARKET_NAMES)
        self._rules = rules
        self._gate = gate
        self._why_disabled = why_disabled
        self._ask_about_synthetic = ask_about_synthetic
        metrics.start_at_zero(metrics.LLM_FALLBACKS, [NOTHING_TO_JUDGE, SYNTHETIC, SAMPLING, DISABLED])

    async def analyze(self, judgement: Judgement) -> Analysis:
        """Return the LLM's analysis of the market.

        Raises:
            LlmUnavailable: there is none; its `reason` is one word.
        """
        context, ground = judgement.context, judgement.verdict.ground
        if context.source_data is DataSource.SYNTHETIC and not self._ask_about_synthetic:
            raise LlmUnavailable("the LLM is not asked about synthetic candles", SYNTHETIC)
        if context.as_of is not None:
            raise LlmUnavailable("the LLM is not asked for replays", REPLAY)
        if ground in UNTRADABLE:
            raise LlmUnavailable(f"the LLM is not asked where there is no room for a plan: {ground}", NOTHING_TO_JUDGE)
        if reason := self._why_disabled(LLM):
            raise LlmUnavailable(reason, DISABLED)
        if not self._gate.asks(context.symbol, context.main.series.last_close_ms):
            raise LlmUnavailable(self._gate.reason, SAMPLING)
        prompt = analysis_prompt(context)
        advised = await self._advisor.ask(
            prompt, context.symbol, lambda reply, check: self._believed(judgement, reply, check)
        )
        return advised.value.model_copy(
            update={
                "source": AnalysisSource.LLM,
                "model_type": advised.model,
                "cost_usd": advised.cost_usd,
                "groundedness": advised.groundedness,
            }
        )

    def _believed(self, judgement: Judgement, reply: AnalysisReply, check: FigureCheck) -> Analysis:
        """Return the measured analysis with the accepted parts of the reply."""
        context, measured = judgement.context, self._rules.assess(judgement.unblended)
        rules, own = judgement.rules, judgement.by_rules
        verdict = decide_for(context, rules, own, reply.signal, reply.confidence, _proposed(reply))
        risk = assess_risk(context, _as_seen(rules, reply.signal), verdict)
        supports, resistances = _levels(context, reply)
        market = measured.market_analysis
        accepted = {
            "stop_loss": risk.stop_loss_suggestion,
            "take_profit": risk.take_profit_suggestion,
            "support_levels": supports,
            "resistance_levels": resistances,
        }
        news = asdict(context.client.news) if context.client.news else {}
        said = check.mark(reply.reasoning, {"accepted": accepted, "news": news})
        changes = {
            "signal": reply.signal,
            "confidence": round(verdict.confidence, 4),
            "reasoning": f"{said} {describe_age(context)}".strip(),
            "strategy_scores": _scores(reply, measured.strategy_scores),
            "market_analysis": market.model_copy(
                update={
                    "trend_direction": reply.trend_direction,
                    "trend_strength": round(reply.trend_strength, 4),
                    "support_levels": supports or market.support_levels,
                    "resistance_levels": resistances or market.resistance_levels,
                }
            ),
            "risk_assessment": risk,
            "evidence": verdict.evidence,
            "lanes": _lanes(judgement, reply),
            "abstention": Abstention.NO_EDGE if reply.signal is Signal.NEUTRAL else None,
            "rules": Conclusion(**{name: getattr(measured, name) for name in Conclusion.model_fields}),
        }
        return measured.model_copy(update=changes)


def _lanes(judgement: Judgement, reply: AnalysisReply) -> Lanes:
    llm = Lane(side=reply.signal, probability=None, confidence=round(reply.confidence, 4))
    return judgement.lanes.model_copy(update={"llm": llm})


def _as_seen(view: TrendView, signal: Signal) -> TrendView:
    """Return the view for the risk of this signal; against the measured trend it counts as disagreement."""
    return replace(view, disagree=view.disagree or signal.side * view.trend < 0)


def _proposed(reply: AnalysisReply) -> Exits | None:
    if reply.stop_loss is None or reply.take_profit is None:
        return None
    return Exits(reply.stop_loss, reply.take_profit)


def _levels(context: MarketContext, reply: AnalysisReply) -> tuple[list[float], list[float]]:
    """Return the levels within the range of all candles, on their side of the price."""
    lowest = min(float(part.series.lows.min()) for part in context.timeframes.values())
    highest = max(float(part.series.highs.max()) for part in context.timeframes.values())
    return (
        real_levels(reply.support_levels, lowest, highest, context.price, below=True),
        real_levels(reply.resistance_levels, lowest, highest, context.price, below=False),
    )


def _scores(reply: AnalysisReply, measured: Mapping[str, float]) -> dict[str, float]:
    """Return the score of each selected strategy; where the LLM gave none, that of its rule."""
    given = {score.name.strip().lower(): round(score.score, 4) for score in reply.strategy_scores}
    return {name: given.get(name.lower(), score) for name, score in measured.items()}
