"""Measured evidence: the record of plans by timeframe."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from domain.market import Timeframe
from domain.naming.symbols import Symbol, SymbolKind
from domain.trading.evidence import StrategyRecord
from domain.values import Frozen, Share

# Where the timeframe was not measured, half of the weight of the nearest one that was counts; where the kind of market
# was not, half of that.
UNMEASURED_SHARE = 0.5

Number = Annotated[float, Field(allow_inf_nan=False)]


class MeasuredFile(Frozen):
    """Candles that the evidence was measured on."""

    name: str
    candles: int
    first_ms: int
    last_ms: int
    digest: str


class EvidenceYear(Frozen):
    """A year predicted by the years before it: mean prediction and observed share, per plan.

    `calibration_error` is the expected calibration error over ten bins of equal count.
    """

    year: int
    plans: int
    predicted: Share
    came: Share
    calibration_error: Share


class TimeframeRecord(Frozen):
    """The measured record of the plans of one timeframe, pooled over markets.

    Attributes:
        timeframe: Of the plans.
        built_from: For a person, such as "8 markets, 1h, 2017-08 to 2022-12".
        files: What it was measured on: candles of this timeframe, also where they were made from shorter ones.
        kinds: Kinds of markets that were measured.
        weight: Of a trend's support, in log odds; of a timeframe that has fewer plans than another, shrunk towards
            what would count without a record of its own.
        error: Standard error of the weight over clusters of time, so that plans that overlap count once.
        own_weight, own_error: The same, as measured on these plans alone.
        plans: Number of independent plans: all of them over the design effect of their clusters.
        samples: Number of plans that were measured.
        folds: The same measured year by year, out of sample.
        strategies: Records of the named strategies.
    """

    timeframe: Timeframe
    built_from: str
    files: tuple[MeasuredFile, ...]
    kinds: tuple[SymbolKind, ...]
    weight: Number
    error: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    own_weight: Number
    own_error: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    plans: Annotated[int, Field(ge=0)]
    samples: Annotated[int, Field(ge=0)]
    folds: tuple[EvidenceYear, ...]
    strategies: tuple[StrategyRecord, ...]

    def strategy(self, name: str) -> StrategyRecord | None:
        """Return the record of a strategy."""
        return next((record for record in self.strategies if record.name == name), None)

    def weight_share(self, symbol: str, timeframe: Timeframe) -> float:
        """Return the share of the weight that counts for plans of a market and timeframe."""
        measured = timeframe is self.timeframe, Symbol.of(symbol).kind in self.kinds
        return float(UNMEASURED_SHARE ** measured.count(False))


class MeasuredEvidence(Frozen):
    """The measured record of plans, as `cli.py evidence build` writes it.

    Attributes:
        built_at: ISO date.
        stop_atr, reward, horizon_candles: The plans that were measured.
        records: One for each timeframe that was measured, shortest first.
        left_out: Timeframes that were measured and have too few plans for a record, and what they lack.
    """

    built_at: str
    stop_atr: Annotated[float, Field(gt=0)]
    reward: Annotated[float, Field(gt=0)]
    horizon_candles: Annotated[int, Field(ge=1)]
    records: Annotated[tuple[TimeframeRecord, ...], Field(min_length=1)]
    left_out: dict[Timeframe, str]

    def record(self, timeframe: Timeframe) -> TimeframeRecord:
        """Return the record of a timeframe, or else that of the measured one nearest in length."""
        return min(self.records, key=lambda record: abs(math.log2(record.timeframe.ms / timeframe.ms)))
