"""Analyses in the words of `/api/v1` and of the dashboard's chart."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field

from api.schemas.requests import CandleBodies, RequestModel
from api.schemas.responses import AnalysisFields, LanesDescription, ResponseModel, ScoreDescription, common_fields
from domain.analysis import DataSource
from domain.market import Timeframe
from domain.naming.symbols import SymbolName
from domain.trading.lanes import Lane
from domain.values import Price, Share
from services.analysis.answer import Answer

LowerSignal = Literal["long", "short", "neutral"]
Percent = Annotated[float, Field(ge=0, le=100)]


class LowerMarketAnalysis(ResponseModel):
    """The state of the market; levels are prices sorted by their distance from the current price."""

    trend_direction: Literal["bullish", "bearish", "sideways", "uncertain"]
    trend_strength: Share
    support_levels: list[Price]
    resistance_levels: list[Price]
    volatility_level: Literal["very low", "low", "medium", "high", "very high"]
    volume_analysis: str


class LowerRiskAssessment(ResponseModel):
    """How risky it is; the position size is a share of capital, stop and target are prices, null when neutral."""

    overall_risk: Literal["low", "medium", "high"]
    technical_risk: Share
    market_risk: Share
    recommended_position_size: Share
    stop_loss_suggestion: Price | None
    take_profit_suggestion: Price | None


class LowerLane(ResponseModel):
    """What rules, model or LLM say by themselves; the probability is a model's calibrated one of a rise."""

    side: LowerSignal
    probability: Share | None
    confidence: Percent


class LowerLanes(ResponseModel):
    """Every view that was there when an analysis was made; null: the model or the LLM gave none."""

    rules: LowerLane
    model: LowerLane | None
    llm: LowerLane | None


class PercentAnalyzeResponse(AnalysisFields):
    """An analysis in lower case, with a confidence from 0 to 100."""

    signal: LowerSignal
    confidence: Percent
    market_analysis: LowerMarketAnalysis
    risk_assessment: LowerRiskAssessment
    lanes: Annotated[LowerLanes | None, LanesDescription]

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """Return the answer for an analysis."""
        analysis = answer.analysis
        market, risk = analysis.market_analysis, analysis.risk_assessment
        words: dict[str, Any] = {
            "signal": analysis.signal.lower(),
            "confidence": round(100 * analysis.confidence, 2),
            "market_analysis": {
                **market.model_dump(),
                "trend_direction": market.trend_direction.lower(),
                "volatility_level": market.volatility_level.lower(),
            },
            "risk_assessment": {**risk.model_dump(), "overall_risk": risk.overall_risk.lower()},
            "lanes": analysis.lanes and {name: _lower(lane) for name, lane in analysis.lanes},
        }
        return cls(**{**common_fields(analysis, cached=answer.cached), **words})


def _lower(lane: Lane | None) -> dict[str, Any] | None:
    if lane is None:
        return None
    return {**lane.model_dump(), "side": lane.side.lower(), "confidence": round(100 * lane.confidence, 2)}


class ChartRequest(RequestModel):
    """The candles of one chart, oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"symbol": "ETHUSDT", "timeframe": "1h", "candles": []}]})

    symbol: SymbolName
    timeframe: Timeframe
    candles: CandleBodies = Field(
        default_factory=list, description="Oldest first; without any the service fetches the market itself."
    )


class ChartResponse(ResponseModel):
    """The signal beside a chart."""

    signal: LowerSignal
    confidence: Share
    probability: Annotated[
        Share,
        Field(
            description="1 speaks for a rise. Of `probability_from` model it is calibrated; of rules it is 0.5 and "
            "what the evidence adds to the chance of the target, less than 0.5 of a Short."
        ),
    ]
    probability_from: Literal["model", "rules"]
    timestamp: Annotated[datetime, Field(description="When the analysis was made, ISO 8601, UTC.")]
    model_type: str
    symbol: str
    timeframe: Timeframe
    reasoning: str
    strategy_scores: Annotated[dict[str, Share], ScoreDescription]
    source_data: DataSource

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """Return the answer for an analysis."""
        analysis = answer.analysis
        evidence, side = analysis.evidence, analysis.signal.side
        leaning = side * (evidence.target_first - evidence.break_even) if evidence else 0.0
        fields = common_fields(analysis, cached=answer.cached)
        return cls(
            **{name: fields[name] for name in cls.model_fields.keys() & fields.keys() - {"timestamp"}},
            signal=analysis.signal.lower(),
            probability=analysis.forecast.probability_up if analysis.forecast else 0.5 + leaning,
            probability_from="model" if analysis.forecast else "rules",
            timestamp=analysis.generated_at,
        )
