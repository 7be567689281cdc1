"""The technical analyst: rules on indicators, which answer when no language model does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from domain.analysis import Analysis, AnalysisSource, MarketAnalysis, TimeframeView, TradeSignal
from domain.trading.gates import Abstention
from domain.values import Signal, round_significant
from rules.judgement import Judgement
from rules.reasons.explanation import explain
from rules.reasons.market import describe_volume
from rules.risk import assess_risk, volatility_level
from rules.verdict import Ground, Verdict, trend_direction

MODEL_TYPE = "technical-rules"


def _new_id() -> str:
    return uuid4().hex


class TechnicalAnalyst:
    """Answers by rules: the same judgement always gives the same answer.

    Long or Short when the timeframes' weighted direction is strong and none of them points
    clearly the other way; Neutral in noise, in disagreement and in a flat market.
    """

    def __init__(self, new_id: Callable[[], str] = _new_id) -> None:
        """Keep the maker of ids."""
        self._new_id = new_id

    async def analyze(self, judgement: Judgement) -> Analysis:
        """Return the analysis of a judged market, without I/O."""
        return self.assess(judgement)

    def assess(self, judgement: Judgement) -> Analysis:
        """Return the analysis of a judged market."""
        context, view, verdict = judgement.context, judgement.view, judgement.verdict
        levels = context.levels
        return Analysis(
            **self._decided(judgement),
            reasoning=explain(context, view, verdict),
            strategy_scores={name: round(score, 4) for name, score in judgement.rules.scores.items()},
            market_analysis=MarketAnalysis(
                trend_direction=trend_direction(judgement.rules),
                trend_strength=round(abs(judgement.rules.trend), 4),
                support_levels=[round_significant(level) for level in levels.supports],
                resistance_levels=[round_significant(level) for level in levels.resistances],
                volatility_level=volatility_level(context.main.range_percentile),
                volume_analysis=describe_volume(context),
            ),
            timeframes={
                timeframe: TimeframeView(
                    direction=round(judgement.rules.directions[timeframe], 4),
                    candles=len(part.series),
                    missing=part.series.missing,
                    indicators=dict(part.latest),
                )
                for timeframe, part in context.timeframes.items()
            },
            average_true_range=context.main.average_true_range,
            newest_candle_ms=context.newest_candle_ms,
            data_age_seconds=context.age.seconds,
            lanes=judgement.lanes,
        )

    def signal(self, judgement: Judgement) -> TradeSignal:
        """Return the signal of `assess` alone, in a third of the time: who gets many has no use for their reasons."""
        return TradeSignal(**self._decided(judgement))

    def _decided(self, judgement: Judgement) -> dict[str, Any]:
        """Return the fields of `TradeSignal`."""
        context, view, verdict = judgement.context, judgement.view, judgement.verdict
        model = context.forecast if view.blended else None
        return {
            "analysis_id": self._new_id(),
            "symbol": context.symbol,
            "timeframe": context.primary,
            "signal": verdict.signal,
            "confidence": round(verdict.confidence, 4),
            "risk_assessment": assess_risk(context, view, verdict),
            "source": AnalysisSource.ENSEMBLE if view.blended else AnalysisSource.TECHNICAL,
            "model_type": MODEL_TYPE if model is None else f"{MODEL_TYPE}+{model.model_type}",
            "source_data": context.source_data,
            "price": context.price,
            "generated_at": context.generated_at,
            "forecast": context.forecast,
            "forecast_note": context.forecast_note,
            "as_of": context.as_of,
            "evidence": verdict.evidence,
            "abstention": _abstention(verdict),
        }


def _abstention(verdict: Verdict) -> Abstention | None:
    if verdict.signal is not Signal.NEUTRAL:
        return None
    return Abstention.NO_DATA if verdict.ground is Ground.BROKEN else Abstention.NO_EDGE
