"""Requests about a market, and their answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field

from api.schemas.requests import MAX_LIST, CandlesByTimeframe, EpochMs, RequestModel, StrategyName, Volume
from api.schemas.responses import ResponseModel
from domain.analysis import DataSource, TrendDirection
from domain.market import MAX_PRICE, Timeframe
from domain.naming.symbols import SymbolName
from domain.values import Share, epoch_ms
from rules.market_condition import MarketCondition, MarketPhase
from rules.strategy_fit import Recommendation
from services.insights import PipelineCheck

_FETCHED: dict[str, Any] = {"symbol": "ETHUSDT", "timeframe_data": {}, "current_price": 0, "volume_24h": 0}
Direction = Annotated[float, Field(ge=-1, le=1)]


class MarketRequest(RequestModel):
    """A market; the service fetches what is missing, null, empty or 0."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FETCHED]})

    symbol: SymbolName
    timeframe_data: Annotated[
        CandlesByTimeframe | None,
        Field(description="Candles by timeframe, oldest first. Empty: the service fetches candles and price itself."),
    ] = None
    current_price: Annotated[
        Annotated[float, Field(ge=0, le=MAX_PRICE)] | None, Field(description="0: the newest close.")
    ] = None
    volume_24h: Volume | None = None
    timestamp: EpochMs | Literal[0] | None = None


class RecommendationsRequest(MarketRequest):
    """A market, and the strategies that the client can run."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_FETCHED, "available_strategies": ["RSI Strategy", "MACD Strategy"]}]}
    )

    available_strategies: Annotated[
        Annotated[list[StrategyName], Field(max_length=MAX_LIST)] | None,
        Field(description="All of them when missing, null or empty."),
    ] = None


class StrategyRecommendation(ResponseModel):
    """How well a strategy suits the market."""

    strategy_name: str
    suitability_score: Share
    reasoning: str
    recommended_config: Annotated[
        dict[str, str | int | float], Field(description="The settings that the score was found with.")
    ]

    @classmethod
    def of(cls, recommendation: Recommendation) -> Self:
        """Return the answer for a recommendation."""
        return cls(
            strategy_name=recommendation.strategy,
            suitability_score=recommendation.suitability,
            reasoning=recommendation.reasoning,
            recommended_config=dict(recommendation.config),
        )


class MarketConditionResponse(ResponseModel):
    """The state of a market."""

    symbol: str
    condition_type: TrendDirection
    confidence: Annotated[
        Share,
        Field(
            description="How far the market is from being called something else: 0.4 at the border, 0.9 in the middle, "
            "less for few candles and gaps; 0 where the candles are synthetic."
        ),
    ]
    characteristics: list[str]
    recommended_strategies: Annotated[list[str], Field(description="Those with a suitability of 0.5 or more.")]
    market_phase: MarketPhase
    direction: Annotated[Direction, Field(description="Of all timeframes together, -1 (down) to 1 (up).")]
    trend_strength: Share
    timeframe_analysis: Annotated[
        dict[Timeframe, dict[str, float]],
        Field(description="Direction and newest indicators; what cannot be computed is left out."),
    ]
    indicators_summary: Annotated[dict[str, str | float], Field(description="Of the primary timeframe.")]
    source_data: Annotated[DataSource, Field(description="Whose candles; synthetic ones are for demonstration.")]
    timestamp: Annotated[int, Field(description="When it was found, epoch ms by the server's clock.")]

    @classmethod
    def of(cls, condition: MarketCondition) -> Self:
        """Return the answer for a condition."""
        return cls(
            symbol=condition.symbol,
            condition_type=condition.condition,
            confidence=condition.confidence,
            characteristics=condition.characteristics,
            recommended_strategies=condition.recommended_strategies,
            market_phase=condition.phase,
            direction=condition.direction,
            trend_strength=abs(condition.direction),
            timeframe_analysis={timeframe: dict(figures) for timeframe, figures in condition.timeframes.items()},
            indicators_summary={"primary_timeframe": condition.primary, **condition.summary},
            source_data=condition.source_data,
            timestamp=epoch_ms(condition.at),
        )


class MarketConditionHealth(ResponseModel):
    """A market was analyzed end to end on fresh candles."""

    status: Literal["healthy"]
    pipeline: Annotated[str, Field(description="What was done.")]
    test_direction: Direction
    candles_fetched: Annotated[int, Field(ge=1)]
    timestamp: Annotated[datetime, Field(description="ISO 8601, UTC.")]

    @classmethod
    def of(cls, check: PipelineCheck) -> Self:
        """Return the answer for a check that succeeded."""
        condition = check.condition
        return cls(
            status="healthy",
            pipeline=f"{condition.source_data}, {check.candles} candles of {condition.symbol}, "
            f"{condition.condition} with confidence {condition.confidence:.2f}",
            test_direction=condition.direction,
            candles_fetched=check.candles,
            timestamp=condition.at,
        )
