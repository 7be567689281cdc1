"""Requests to score a version on candles, and to measure evidence on them."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from api.schemas.jobs.backtests import MAX_SYMBOLS, MAX_TIMEFRAMES
from api.schemas.requests import CandleBodies, EpochMs, RequestModel
from domain.forecasting import ModelTarget, VersionName
from domain.market import Timeframe
from domain.naming.symbols import SymbolName
from domain.trading.costs import CostBps
from services.evaluating.service import EvaluationJobRequest
from services.evidence.parameters import EvidenceTask, MeasuringOptions
from services.evidence.service import EvidenceJobRequest

OWN_CANDLES = (
    "Without any, those that trusted clients have posted are used or, where there are more of them, those of the "
    "market-data sources; never synthetic ones."
)


class EvaluateRequest(RequestModel):
    """A version and a market on whose candles it is scored; its candles, if sent, oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"symbol": "BTCUSDT", "timeframe": "1h", "fee_bps": 10}]})

    symbol: SymbolName
    timeframe: Timeframe | None = Field(
        None,
        description="Without it: that of the version, the usual distance of the candles or, without these, the first "
        "primary timeframe.",
    )
    version: VersionName | None = Field(None, description="Without it: the one in production for the market.")
    target: ModelTarget | None = Field(
        None, description="Without a version: close (default), or plan, for the plan model in production."
    )
    horizon_candles: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="Of which horizon, one of models.further_horizons_candles: that in production or, with a version, "
        "where two horizons have one of its name.",
    )
    fee_bps: CostBps | None = Field(None, description="Of each side of a trade; by default that of the kind of market.")
    slippage_bps: CostBps | None = Field(
        None, description="Of each side of a trade; by default that of the kind of market."
    )
    candles: CandleBodies | None = Field(None, description=OWN_CANDLES)

    def job_request(self) -> EvaluationJobRequest:
        """Return the request as the service takes it."""
        return EvaluationJobRequest(
            self.symbol,
            self.version,
            self.timeframe,
            self.fee_bps,
            self.slippage_bps,
            self.candles or None,
            self.target,
            self.horizon_candles,
        )


class EvidenceRequest(RequestModel):
    """Markets whose plans are measured: candles of one symbol, or symbols whose candles the service has or fetches."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"symbols": ["BTCUSDT", "ETHUSDT"], "timeframes": ["1h"], "until": 1767225600000},
                {"task": "check", "symbols": ["BTCUSDT"], "since": 1735689600000},
            ],
        }
    )

    task: EvidenceTask = Field(
        EvidenceTask.BUILD,
        strict=False,
        description="build: evidence of the plans; check: the configured evidence is compared with the plans.",
    )
    symbols: Annotated[list[SymbolName], Field(min_length=1, max_length=MAX_SYMBOLS)]
    timeframes: Annotated[list[Timeframe], Field(min_length=1, max_length=MAX_TIMEFRAMES)] | None = Field(
        None,
        description="Plans of these are measured, made from the candles. Without it: that of the candles or, without "
        "these, the first primary timeframe.",
    )
    candles: CandleBodies | None = Field(None, description=f"Of the one symbol, oldest first. {OWN_CANDLES}")
    since: EpochMs | None = Field(None, description="First moment of a plan, epoch milliseconds, UTC.")
    until: EpochMs | None = Field(
        None, description="End of the moments, epoch milliseconds, UTC; later candles are not looked at."
    )

    def job_request(self) -> EvidenceJobRequest:
        """Return the request as the service takes it."""
        options = MeasuringOptions(timeframes=tuple(self.timeframes or ()), since_ms=self.since, until_ms=self.until)
        return EvidenceJobRequest(self.task, tuple(dict.fromkeys(self.symbols)), options, self.candles or None)
