"""The analysis of a market: the query, the answer and its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.errors import InvalidRequest
from domain.forecasting import Forecast
from domain.market import CandleSeries, Timeframe
from domain.timeframe_data import closed_series, day_volume, newest_price
from domain.trading.evidence import Evidence
from domain.trading.gates import Abstention, Gate
from domain.trading.lanes import Lanes
from domain.trading.plans import exits_fit
from domain.values import Frozen, Price, Share, Signal


class TrendDirection(StrEnum):
    BULLISH = "Bullish"
    BEARISH = "Bearish"
    SIDEWAYS = "Sideways"
    UNCERTAIN = "Uncertain"


class VolatilityLevel(StrEnum):
    VERY_LOW = "Very Low"
    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"
    VERY_HIGH = "Very High"


class RiskLevel(StrEnum):
    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"


class AnalysisSource(StrEnum):
    """Who gave the answer."""

    TECHNICAL = "technical"
    MODEL = "model"
    ENSEMBLE = "ensemble"
    LLM = "llm"


class DataSource(StrEnum):
    """Where the candles of an analysis came from."""

    CLIENT = "client"
    STORED = "stored"
    ENGINE = "engine"
    ENGINE_DB = "engine_db"
    BINANCE = "binance"
    YAHOO = "yahoo"
    CCXT = "ccxt"
    FILES = "files"
    SYNTHETIC = "synthetic"


class MarketAnalysis(Frozen):
    """The state of the market, by docs/rules.md; levels are prices sorted by their distance from the current price.

    Attributes:
        trend_strength: Weighted mean of the directions of the timeframes, without its sign.
        volatility_level: The market against its own past.
    """

    trend_direction: TrendDirection
    trend_strength: Share
    support_levels: list[Price]
    resistance_levels: list[Price]
    volatility_level: VolatilityLevel
    volume_analysis: str


class RiskAssessment(Frozen):
    """How risky it is to act, by docs/rules.md; the position size is a share of capital, stop and target are prices.

    Stop and target are both null on a Neutral signal. On a Long the stop is below the
    price and the target above it; on a Short the other way round.

    Attributes:
        overall_risk: By the mean of both risks.
        technical_risk: How weak, thin or old the evidence is; 1 without any trend.
        market_risk: How wild the market is, against its own past and what is usual of a coin.
    """

    overall_risk: RiskLevel
    technical_risk: Share
    market_risk: Share
    recommended_position_size: Share
    stop_loss_suggestion: Price | None
    take_profit_suggestion: Price | None


class TimeframeView(Frozen):
    """What one timeframe says: direction -1 (down) to 1 (up), and the indicators it rests on."""

    direction: Annotated[float, Field(ge=-1, le=1)]
    candles: Annotated[int, Field(ge=1)]
    missing: Annotated[int, Field(ge=0, description="Candles missing in gaps between the first and the last.")]
    indicators: dict[str, float]


class TradeSignal(Frozen):
    """A side of one symbol and what it rests on: what guards are asked about, and what the ledger keeps.

    Attributes:
        model_type: Who gave it: the rules, rules and model, or a language model.
        forecast: Of the model in production for the same market and timeframe.
        forecast_note: Why there is no forecast.
        cost_usd: Cost of the LLM's reply; 0 for one that was paid for earlier, None where no LLM
            answered or the cost is not known.
        as_of: The moment of a replay; None of an analysis of now.
        evidence: Results of plans like it; of a Neutral signal that of the better side. None where no plan is
            possible.
        gates: The guards that were asked, each with what it measured.
        abstention: Why the signal is Neutral; None of Long and Short, and of analyses of earlier releases.
    """

    analysis_id: str
    symbol: str
    timeframe: Timeframe
    signal: Signal
    confidence: Share
    risk_assessment: RiskAssessment
    source: AnalysisSource
    model_type: str
    source_data: DataSource
    price: Price
    generated_at: datetime
    # Analyses that were stored by earlier releases have none of these.
    forecast: Forecast | None = None
    forecast_note: str | None = None
    cost_usd: Annotated[float | None, Field(ge=0)] = None
    as_of: datetime | None = None
    evidence: Evidence | None = None
    gates: list[Gate] = Field(default_factory=list)
    abstention: Abstention | None = None

    def exits_fit(self, price: float) -> bool:
        """Return whether at this price the stop is on the losing side and the target on the winning one."""
        risk = self.risk_assessment
        return exits_fit(self.signal.side, price, risk.stop_loss_suggestion, risk.take_profit_suggestion)


class Conclusion(Frozen):
    """What an analyst concludes of a market."""

    signal: Signal
    confidence: Share
    reasoning: Annotated[str, Field(min_length=10)]
    strategy_scores: dict[str, Share]
    market_analysis: MarketAnalysis
    risk_assessment: RiskAssessment


class Analysis(Conclusion, TradeSignal):
    """A finished analysis of one symbol: its signal, explained.

    Attributes:
        groundedness: Share of the figures in an LLM's reasoning that it was given; None where there is none.
        fallback_reason: Why the LLM did not answer, `word: for a person`; None where it did or is not configured.
        data_age_seconds: From the close of the newest candle to `generated_at`.
        lanes: What rules, model and LLM say by themselves, also where another gave the answer.
        rules: The complete answer of the rules alone beside that of an LLM, so that both can be scored on the same
            market; None where no LLM answered. No guard has touched it.
    """

    timeframes: dict[Timeframe, TimeframeView]
    average_true_range: Annotated[float, Field(ge=0)]
    newest_candle_ms: int
    # Analyses that were stored by earlier releases have none of these.
    groundedness: Share | None = None
    fallback_reason: str | None = None
    data_age_seconds: Annotated[int | None, Field(ge=0)] = None
    lanes: Lanes | None = None
    rules: Conclusion | None = None


@dataclass(frozen=True)
class MarketSnapshot:
    """The market of one symbol at one moment: candles per timeframe, price, and their origin.

    `volume_24h` is in base currency, or None if unknown. `as_of_ms` is the moment of a replay, whose candles had all
    closed by then; None is now. `leader` has candles of what leads the market, by `domain/naming/leaders.py`, where
    they came with it.
    """

    symbol: str
    series: Mapping[Timeframe, CandleSeries]
    price: float
    volume_24h: float | None
    source_data: DataSource
    as_of_ms: int | None = None
    leader: Mapping[Timeframe, CandleSeries] = field(default_factory=dict)

    @property
    def newest_candle_ms(self) -> int:
        """Open time of the newest candle of any timeframe, in epoch ms; 0 without candles."""
        return max((s.last_open_ms for s in self.series.values() if len(s)), default=0)

    def closed(self, now_ms: int) -> dict[Timeframe, CandleSeries]:
        """Return the candles that have closed, by the clock and by what the other timeframes show."""
        return closed_series(self.series, now_ms)


def replay(symbol: str, series: Mapping[Timeframe, CandleSeries], as_of_ms: int) -> MarketSnapshot:
    """Return the market as it was at a moment: nothing that closed later is in it, in price and volume neither.

    Args:
        symbol: Market.
        series: Candles by timeframe, later ones too; at least one.
        as_of_ms: The moment, in epoch ms.

    Raises:
        InvalidRequest: no candle had closed by then.
    """
    closed = {timeframe: part for timeframe, part in closed_series(series, as_of_ms).items() if len(part)}
    if not closed:
        first_ms = min(replace(one, candles=one.candles[:1]).last_close_ms for one in series.values() if len(one))
        raise InvalidRequest(f"as_of {as_of_ms} is before the first candle closes, at {first_ms}", "as_of")
    price, volume = newest_price(closed, as_of_ms), day_volume(closed, as_of_ms)
    return MarketSnapshot(symbol, closed, price, volume, DataSource.CLIENT, as_of_ms)
