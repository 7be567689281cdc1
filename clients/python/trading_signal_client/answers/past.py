"""Answers about the past of a market: its newest candles, and what was said of it."""

from __future__ import annotations

from typing import Literal

from trading_signal_client.answers.answer import Answer, Timeframe
from trading_signal_client.answers.ledger import LedgerPlan, LedgerSettlement


class ShownCandle(Answer):
    """One closed candle; `timestamp` is when it opened, in epoch milliseconds."""

    timestamp: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class ShownCandles(Answer):
    """The newest closed candles of a market, oldest first; `stale` ones are too old for a signal."""

    symbol: str
    timeframe: Timeframe
    source_data: str
    stale: bool
    data_age_seconds: int
    candles: list[ShownCandle]
    indicators: dict[str, list[float | None]]


class ReadCandles(Answer):
    """What was understood of a file of candles; `choose` says what has to be named first, and is None otherwise."""

    choose: Literal["symbol", "timeframe"] | None
    symbols: list[str]
    timeframes: list[Timeframe]
    symbol: str | None
    timeframe: Timeframe | None
    count: int
    missing: int
    first: int | None
    last: int | None
    last_close: int | None
    form: str | None
    columns: list[str]
    warnings: list[str]
    candles: list[ShownCandle]


class PastAnalysis(Answer):
    """An analysis that was given, and its settlements; what the archive no longer has is None."""

    analysis_id: str
    entry_id: str
    symbol: str
    timeframe: str
    created_at: int
    signal: Literal["Long", "Short", "Neutral"]
    kind: Literal["side", "no edge", "no data", "refused"]
    confidence: float
    target_first: float | None
    price: float
    plan: LedgerPlan | None
    lane: Literal["rules", "model", "llm", "blend", "shadow"]
    source: str | None
    model_type: str | None
    source_data: str
    reasoning: str | None
    support_levels: list[float] | None
    resistance_levels: list[float] | None
    settled: bool
    outcome: Literal["target", "stop", "time", "void"] | None
    r: float | None
    settlements: list[LedgerSettlement]


class PastAnalyses(Answer):
    """Past analyses, the newest first."""

    analyses: list[PastAnalysis]
    next: str | None
