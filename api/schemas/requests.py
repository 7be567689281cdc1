"""The body of an analysis request: its schema in the document, and the messages of a 422."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, model_validator

from domain.market import MAX_PRICE, MAX_VOLUME, MIN_PRICE, Timeframe
from domain.naming.symbols import SymbolName
from domain.trading.costs import CostBps
from domain.values import FIRST_MS, LAST_MS, TextForm
from rules.strategies import STRATEGY_NAMES

MAX_TEXT = 200
MAX_LIST = 50
MAX_COUNT = 10**9


def _milliseconds(value: int) -> int:
    if value < FIRST_MS:
        raise ValueError(f"{value} looks like seconds; send epoch milliseconds, such as 1696876800000")
    if value >= LAST_MS:
        unit = "microseconds" if value < 1_000 * LAST_MS else "nanoseconds"
        raise ValueError(f"{value} looks like {unit}; send epoch milliseconds, such as 1696876800000")
    return value


def _known_strategy(value: str) -> str:
    if value not in STRATEGY_NAMES:
        raise ValueError(f"unknown strategy; known are {', '.join(STRATEGY_NAMES)}")
    return value


EpochMs = Annotated[int, AfterValidator(_milliseconds), Field(description="Epoch milliseconds, UTC.")]
CandlePrice = Annotated[float, Field(ge=MIN_PRICE, le=MAX_PRICE)]
Volume = Annotated[float, Field(ge=0, le=MAX_VOLUME)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
# One line that answers repeat.
Reason = Annotated[str, Field(max_length=300), TextForm(r"^[^\x00-\x1f\x7f]*$", "needs a text of one line")]
StrategyName = Annotated[str, AfterValidator(_known_strategy), Field(json_schema_extra={"enum": list(STRATEGY_NAMES)})]


class StrictModel(BaseModel):
    """Strict types, finite numbers; keys that are not listed are accepted and ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class RequestModel(StrictModel):
    """A strict body in which null is as good as missing for what may be missing."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, sent: Any) -> Any:
        if not isinstance(sent, dict) or None not in sent.values():
            return sent
        optional = {name for name, field in cls.model_fields.items() if not field.is_required()}
        return {name: value for name, value in sent.items() if value is not None or name not in optional}


class CandleBody(StrictModel):
    """One candle; `open_time` is another name of `timestamp`, further kline keys are ignored."""

    timestamp: EpochMs = Field(
        validation_alias=AliasChoices("timestamp", "open_time"), description="Open time in epoch milliseconds, UTC."
    )
    open: CandlePrice
    high: CandlePrice
    low: CandlePrice
    close: CandlePrice
    volume: Volume = Field(description="In base currency.")


# A body of the greatest size would have millions of mistakes, and their list take gigabytes: the first one is named.
CandleBodies = Annotated[list[CandleBody], Field(fail_fast=True)]
CandlesByTimeframe = Annotated[dict[Timeframe, CandleBodies], Field(fail_fast=True)]


class News(RequestModel):
    """News sentiment, counted by the client."""

    overall_sentiment: Text | float | None = None
    positive_count: Annotated[int, Field(ge=0, le=MAX_COUNT)] | None = None
    negative_count: Annotated[int, Field(ge=0, le=MAX_COUNT)] | None = None
    neutral_count: Annotated[int, Field(ge=0, le=MAX_COUNT)] | None = None
    fear_greed_index: Annotated[float, Field(ge=0, le=100)] | None = None


class StrategyContext(RequestModel):
    """The strategies, the preferences and the news of the client."""

    selected_strategies: Annotated[list[StrategyName], Field(max_length=MAX_LIST)] | None = Field(
        None, description="Strategies that have a say; all of them when missing or empty."
    )
    active_strategies: Annotated[list[Text], Field(max_length=MAX_LIST)] | None = Field(
        None, description="Marks a call of the engine's own loop: the answer speaks BUY, SELL, HOLD."
    )
    market_condition: Text | None = None
    risk_level: Text | None = None
    risk_tolerance: Text | None = None
    user_preferences: dict[str, Any] | None = None
    technical_indicators: dict[str, Any] | None = Field(
        None, description="Not read: the service computes its own from the candles."
    )
    news_sentiment: News | None = None


class CostsBody(RequestModel):
    """Costs of the client's trades on each side, in hundredths of a percent of the traded amount."""

    fee_bps: CostBps
    slippage_bps: CostBps


class AnalyzeRequest(RequestModel):
    """Candles of one market in one or more timeframes, oldest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "symbol": "BTCUSDT",
                    "timeframe_data": {},
                    "current_price": 0,
                    "volume_24h": 0,
                    "timestamp": 1769860800000,
                    "strategy_context": {"selected_strategies": ["RSI Strategy", "MACD Strategy"]},
                }
            ]
        }
    )

    symbol: SymbolName
    timeframe_data: CandlesByTimeframe = Field(
        description="Candles by timeframe, oldest first. Empty: the service fetches candles and price itself."
    )
    current_price: Annotated[float, Field(ge=0, le=MAX_PRICE, description="0 only with empty timeframe_data.")]
    volume_24h: Volume
    timestamp: EpochMs
    strategy_context: StrategyContext
    as_of: EpochMs | None = Field(
        None,
        description="Replay: the moment of which the answer speaks, epoch ms in the past. Candles that close later are "
        "left out; price and volume are those of the candles.",
    )
    costs: CostsBody | None = Field(
        None, description="The confidence is after them; by default those of the kind of market."
    )
