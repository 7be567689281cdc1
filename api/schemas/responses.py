"""Answers of the service; every key listed is always present."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.analysis import Analysis, AnalysisSource, DataSource, MarketAnalysis, RiskAssessment
from domain.forecasting import Forecast
from domain.market import Timeframe
from domain.trading.evidence import Evidence
from domain.trading.gates import Abstention, Gate
from domain.trading.lanes import Lanes
from domain.values import Price, Share, Signal, epoch_ms

RECENT_PREFIX = "[RECENT] "
# From this confidence on a directional signal is called strong in the engine's words.
STRONG_CONFIDENCE = 0.6

EngineSignal = Literal["BUY", "SELL", "HOLD", "STRONG_BUY", "STRONG_SELL"]
ScoreDescription = Field(description="0 speaks for Short, 0.5 has no view, 1 speaks for Long.")
LanesDescription = Field(
    description="What rules, model and LLM say by themselves; null in analyses of an earlier release."
)

EvidenceDescription = Field(
    description="Results of plans like this one, before and after costs; of a Neutral signal the plan of the better "
    "side. Null where no plan is possible, and in analyses of an earlier release."
)


class ResponseModel(BaseModel):
    """Base of the answers: finite numbers only, and every key always there, as the OpenAPI document says."""

    model_config = ConfigDict(allow_inf_nan=False, json_schema_serialization_defaults_required=True)


class AnalysisFields(ResponseModel):
    """Fields of every analysis; each answer narrows those of type `Any` to its own words."""

    signal: Any
    confidence: Any
    reasoning: Annotated[str, Field(min_length=10)]
    strategy_scores: Annotated[dict[str, Share], ScoreDescription]
    market_analysis: Any
    risk_assessment: Any
    lanes: Any
    evidence: Annotated[Evidence | None, EvidenceDescription]
    timestamp: Annotated[int, Field(description="When the analysis was made, epoch ms by the server's clock.")]
    source: AnalysisSource
    model_type: str
    source_data: Annotated[DataSource, Field(description="Whose candles; synthetic ones are for demonstration.")]
    symbol: str
    timeframe: Timeframe
    price: Annotated[Price, Field(description="The price at which it was made: the entry of its plan.")]
    analysis_id: str
    generated_at: Annotated[int, Field(description="The same moment as `timestamp`.")]
    cached: bool
    forecast: Annotated[Forecast | None, Field(description="What the model in production says of the timeframe.")]
    forecast_note: Annotated[str | None, Field(description="Why there is no forecast; null beside one.")]
    cost_usd: Annotated[float | None, Field(description="Of the LLM's reply; 0 when it was paid for before.")]
    groundedness: Annotated[
        Share | None, Field(description="Share of the figures in the LLM's reasoning that it was given.")
    ]
    fallback_reason: Annotated[str | None, Field(description="Why the rules answer and not the LLM.")]
    data_age_seconds: Annotated[
        int | None,
        Field(
            ge=0,
            description="From the close of the newest candle to `generated_at`; null of analyses that earlier releases "
            "have stored.",
        ),
    ]
    as_of: Annotated[int | None, Field(description="The moment of a replay, epoch ms; null of an analysis of now.")]
    gates: Annotated[
        list[Gate], Field(description="The guards, each with what it measured; none in analyses of earlier releases.")
    ]
    abstention: Annotated[
        Abstention | None,
        Field(description="Why the signal is Neutral; null of other signals, and of analyses of earlier releases."),
    ]


class AnalysisBody(AnalysisFields):
    """Fields of the analyses under `/ai`."""

    confidence: Share
    market_analysis: MarketAnalysis
    risk_assessment: RiskAssessment
    lanes: Annotated[Lanes | None, LanesDescription]


class AnalyzeResponse(AnalysisBody):
    """The answer to a dashboard or an engine that asks for a view of several timeframes."""

    signal: Signal


class EngineAnalyzeResponse(AnalysisBody):
    """The answer to an engine's own loop, in the words of an order."""

    signal: EngineSignal
    indicators: Annotated[dict[str, float], Field(description="Newest indicators of the timeframe asked about.")]
    analysis_details: dict[str, Any]


@dataclass(frozen=True)
class _Answer:
    """The parts of an answer; equal for equal analyses, which have the same id."""

    analysis_id: str
    cached: bool
    engine: bool
    analysis: Analysis = field(compare=False)


def render_analysis(analysis: Analysis, *, cached: bool, engine: bool) -> bytes:
    """Return the JSON answer for an analysis; `engine` chooses the words of an engine's own loop."""
    return _render(_Answer(analysis.analysis_id, cached, engine, analysis))


def common_fields(analysis: Analysis, *, cached: bool) -> dict[str, Any]:
    """Return the fields that all analyses share: all but the signal."""
    made_ms = epoch_ms(analysis.generated_at)
    return {
        "symbol": analysis.symbol,
        "timeframe": analysis.timeframe,
        "price": analysis.price,
        "confidence": analysis.confidence,
        "reasoning": RECENT_PREFIX + analysis.reasoning if cached else analysis.reasoning,
        "strategy_scores": analysis.strategy_scores,
        "market_analysis": analysis.market_analysis,
        "risk_assessment": analysis.risk_assessment,
        "lanes": analysis.lanes,
        "evidence": analysis.evidence,
        "timestamp": made_ms,
        "source": analysis.source,
        "model_type": analysis.model_type,
        "source_data": analysis.source_data,
        "analysis_id": analysis.analysis_id,
        "generated_at": made_ms,
        "cached": cached,
        "forecast": analysis.forecast,
        "forecast_note": analysis.forecast_note,
        "cost_usd": analysis.cost_usd,
        "groundedness": analysis.groundedness,
        "fallback_reason": analysis.fallback_reason,
        "data_age_seconds": analysis.data_age_seconds,
        "as_of": None if analysis.as_of is None else epoch_ms(analysis.as_of),
        "gates": analysis.gates,
        "abstention": analysis.abstention,
    }


# Most answers repeat a recent one.
@lru_cache(maxsize=256)
def _render(answer: _Answer) -> bytes:
    analysis = answer.analysis
    body = common_fields(analysis, cached=answer.cached)
    if not answer.engine:
        response: AnalysisBody = AnalyzeResponse(**body, signal=analysis.signal)
    else:
        response = EngineAnalyzeResponse(
            **body,
            signal=_engine_signal(analysis),
            indicators=analysis.timeframes[analysis.timeframe].indicators,
            analysis_details={
                "reasoning": body["reasoning"],
                "directions": {str(frame): view.direction for frame, view in analysis.timeframes.items()},
                "trend_direction": analysis.market_analysis.trend_direction,
                "trend_strength": analysis.market_analysis.trend_strength,
            },
        )
    return response.model_dump_json().encode()


def _engine_signal(analysis: Analysis) -> EngineSignal:
    if analysis.signal is Signal.NEUTRAL:
        return "HOLD"
    strong = analysis.confidence >= STRONG_CONFIDENCE
    if analysis.signal is Signal.LONG:
        return "STRONG_BUY" if strong else "BUY"
    return "STRONG_SELL" if strong else "SELL"
