"""Requests for backtests and for searches of better settings, and their answers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from api.schemas.requests import CandlesByTimeframe, EpochMs, RequestModel
from api.schemas.responses import ResponseModel
from domain.jobs import JobStatus
from domain.market import Timeframe
from domain.naming.symbols import SymbolName
from domain.trading.costs import CostBps, FundingBps
from services.backtests.parameters import BacktestOptions, LaneText, SizingText
from services.backtests.service import PastJobRequest
from services.job_candles.requested import GivenCandles
from services.optimising.parameters import (
    DEFAULT_FOLDS,
    DEFAULT_TRIALS,
    Folds,
    OptimiseOptions,
    SearchedLane,
    Seed,
    Trials,
)

MAX_SYMBOLS = 20
MAX_TIMEFRAMES = 6


class PastRequest(RequestModel):
    """What is tested on the past: candles of one symbol, or symbols whose candles the service has or fetches."""

    symbols: Annotated[list[SymbolName], Field(min_length=1, max_length=MAX_SYMBOLS)]
    timeframes: Annotated[list[Timeframe], Field(min_length=1, max_length=MAX_TIMEFRAMES)] | None = Field(
        None,
        description="The first is traded, all are read. Without it: those of the candles or, without these, the first "
        "primary timeframe and longer ones.",
    )
    timeframe_data: CandlesByTimeframe | None = Field(
        None,
        description="Candles of the one symbol, oldest first. Without any, those that trusted clients have posted are "
        "used or, where there are more of them, those of the market-data sources; never synthetic ones.",
    )
    since: EpochMs | None = Field(None, description="First moment of a judgement, epoch milliseconds, UTC.")
    until: EpochMs | None = Field(None, description="End of the time, epoch milliseconds, UTC.")
    fee_bps: CostBps | None = Field(None, description="Of each side of a trade; by default that of the kind of market.")
    slippage_bps: CostBps | None = Field(
        None, description="Of each side of a trade; by default that of the kind of market."
    )
    funding_bps: FundingBps | None = Field(
        None, description="Of a position's value every 8 hours, paid by Long; without it trading.funding_bps."
    )
    sizing: Annotated[SizingText, Field(max_length=40)] | None = Field(
        None, description="fixed:SHARE, recommended, recommended:SHARE or risk:SHARE; without it backtests.sizing."
    )

    @property
    def distinct_symbols(self) -> tuple[str, ...]:
        """The symbols, each once."""
        return tuple(dict.fromkeys(self.symbols))

    @property
    def given(self) -> GivenCandles:
        """The candles that are sent, by timeframe."""
        return {timeframe: rows for timeframe, rows in (self.timeframe_data or {}).items() if rows}

    @property
    def option_values(self) -> dict[str, Any]:
        """What is asked for, as the service names it."""
        return {
            "timeframes": None if self.timeframes is None else tuple(dict.fromkeys(self.timeframes)),
            "since_ms": self.since,
            "until_ms": self.until,
            "fee_bps": self.fee_bps,
            "slippage_bps": self.slippage_bps,
            "funding_bps": self.funding_bps,
            "sizing": self.sizing,
        }


class BacktestRequest(PastRequest):
    """A backtest: candles of one symbol, or symbols whose candles the service has or fetches."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"symbols": ["BTCUSDT"], "timeframes": ["1h", "4h"], "lane": "rules", "fee_bps": 5}],
        }
    )

    lane: Annotated[LaneText, Field(max_length=120)] = Field(
        "rules",
        description="rules, model:VERSION, blend:VERSION or strategy:NAME. Where two horizons have a version of one "
        "name, VERSION@4 is that of 4 candles ahead.",
    )

    def job_request(self) -> PastJobRequest[BacktestOptions]:
        """Return the request as the service takes it."""
        options = BacktestOptions(lane=self.lane, **self.option_values)
        return PastJobRequest(self.distinct_symbols, options, self.given)


class OptimiseRequest(PastRequest):
    """A search: candles of one symbol, or symbols whose candles the service has or fetches."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"symbols": ["BTCUSDT"], "timeframes": ["1h", "4h"], "trials": 50, "folds": 4}],
        }
    )

    lane: Annotated[SearchedLane, Field(max_length=120)] = Field("rules", description="rules or strategy:NAME.")
    trials: Trials = Field(
        DEFAULT_TRIALS, description="Settings that are tried before each fold and over all the time."
    )
    folds: Folds = Field(DEFAULT_FOLDS, description="Times in which what was chosen on the time before is traded.")
    seed: Seed | None = Field(None, description="Of the search and of random entries; without it backtests.seed.")

    def job_request(self) -> PastJobRequest[OptimiseOptions]:
        """Return the request as the service takes it."""
        options = OptimiseOptions(
            lane=self.lane, trials=self.trials, folds=self.folds, seed=self.seed, **self.option_values
        )
        return PastJobRequest(self.distinct_symbols, options, self.given)


class BacktestQueued(ResponseModel):
    """The job that was queued; `GET /jobs/{job_id}` says how far it is, and has the result."""

    message: str
    job_id: str
    status: JobStatus
    symbols: list[str]
    lane: str


class OptimiseQueued(BacktestQueued):
    """The search that was queued; `GET /jobs/{job_id}` says how far it is, and has the result."""

    trials: int
    folds: int
