"""Evidence: from the measured record of plans to what a plan like them is worth, and to a confidence.

The record is a logistic curve: the log odds of the target coming first are those of chance, `logit(break-even)`,
plus the weight of the trend that supports the plan. With a weight of zero a plan is worth nothing before costs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Annotated, Any

from pydantic import Field

from domain.market import Timeframe
from domain.naming.symbols import Symbol, SymbolKind
from domain.trading.costs import Costs, MarketCosts
from domain.trading.evidence import Evidence, EvidenceVerdict, PlanWorth, StrategyRecord
from domain.trading.plan_models import PlanForecast
from domain.trading.plans import TradePlan
from domain.values import Frozen, Share

# From here on a trend is no stronger evidence: plans with stronger ones came to the same.
FULL_TREND = 0.5
# Where the timeframe was not measured, half of the weight of the nearest one that was counts; where the kind of market
# was not, half of that.
UNMEASURED_SHARE = 0.5
# Fewer independent plans tell nothing.
MIN_PLANS = 300
# The greatest confidence where nothing was measured, or other kinds of markets alone were.
UNMEASURED_CONFIDENCE = 0.55
REACH = NormalDist().inv_cdf(0.975)

Number = Annotated[float, Field(allow_inf_nan=False)]


def support(side: int, trend: float) -> float:
    """Return how far a trend supports a plan, -1 (against it) to 1.

    Args:
        side: 1 of Long, -1 of Short.
        trend: Weighted direction of the timeframes, -1..1.
    """
    return side * min(max(trend / FULL_TREND, -1.0), 1.0)


class MeasuredFile(Frozen):
    """Candles that the evidence was measured on."""

    name: str
    candles: int
    first_ms: int
    last_ms: int
    digest: str


class EvidenceYear(Frozen):
    """A year predicted by the years before it: mean prediction and what came, per plan.

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


class EvidenceBook(Frozen):
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


@dataclass(frozen=True)
class Weigher:
    """Weighs plans by the record, and by the costs of trading them.

    Attributes:
        book: None where nothing was measured.
        costs: Per change of position, of each market.
    """

    book: EvidenceBook | None
    costs: MarketCosts

    def odds(self, symbol: str, timeframe: Timeframe, supported: float) -> tuple[float, float]:
        """Return by how much a supported plan's log odds are above those of chance, and the standard error of that."""
        if self.book is None:
            return 0.0, 0.0
        record = self.book.record(timeframe)
        counted = supported * record.weight_share(symbol, timeframe)
        return counted * record.weight, abs(counted) * record.error

    def weigh(self, plan: TradePlan, symbol: str, timeframe: Timeframe, supported: float) -> Evidence:
        """Return the evidence of a plan.

        Args:
            plan: What is proposed.
            symbol: Market of the plan.
            timeframe: Of the plan.
            supported: How far the trend supports it, see `support`; less for few, missing or old candles.
        """
        record = None if self.book is None else self.book.record(timeframe)
        odds, error = self.odds(symbol, timeframe, supported)
        same_kind = record is None or Symbol.of(symbol).kind in record.kinds
        return Evidence(
            **plan_worth(plan, odds, error, record.plans if record else 0, self.costs.of(symbol), same_kind),
            built_from=record.built_from if record else "nothing was measured",
        )

    def by_model(self, plan: TradePlan, symbol: str, said: PlanForecast) -> Evidence:
        """Return the evidence of a plan for a market by what a plan model says of it."""
        odds = _log_odds(said.target_first) - _log_odds(plan.break_even)
        return Evidence(
            **plan_worth(plan, odds, said.error, said.plans, self.costs.of(symbol)),
            built_from=said.built_from,
        )


def plan_worth(
    plan: TradePlan, odds: float, error: float, plans: int, costs: Costs, same_kind: bool = True
) -> dict[str, Any]:
    """Return the fields of `PlanWorth`.

    Args:
        plan: What is proposed.
        odds: Log odds that the record adds to those of chance.
        error: Their standard error.
        plans: Number of independent plans behind them.
        costs: Of trading the plan.
        same_kind: Whether plans of this kind of market were measured; those of another kind never speak for a plan.
    """
    chance, cost_bps = _log_odds(plan.break_even), costs.round_trip_bps
    low, expected, high = (_gross_r(chance + odds + shift * error, plan.reward) for shift in (-REACH, 0.0, REACH))
    cost_r = cost_bps / plan.risk_bps
    return {
        "target_first": round(_share(chance + odds), 4),
        "break_even": round(plan.break_even, 4),
        "expected_r": round(expected - cost_r, 4),
        "gross_bps": round(expected * plan.risk_bps, 2),
        "cost_bps": cost_bps,
        "net_bps": round(expected * plan.risk_bps - cost_bps, 2),
        "plans": plans,
        "low": round(low - cost_r, 4),
        "high": round(high - cost_r, 4),
        "verdict": _verdict(plans, low, high, low - cost_r, same_kind),
    }


# Evidence of nothing, for free.
UNMEASURED = Weigher(None, MarketCosts(fee_bps=0.0, slippage_bps=0.0))


def rests_on_plans(worth: PlanWorth) -> bool:
    """Return whether enough plans were measured for its figures to count, of this kind of market or of another."""
    return worth.plans >= MIN_PLANS


def confidence_bound(verdict: EvidenceVerdict) -> float:
    """Return the greatest confidence in a plan: a little over an even chance where none like it were measured."""
    return UNMEASURED_CONFIDENCE if verdict is EvidenceVerdict.INSUFFICIENT else 1.0


def even_money(expected_r: float) -> float:
    """Return the probability at which an even bet is worth as much, 0..1: 0.5 pays its costs and no more."""
    return min(max(0.5 + expected_r / 2, 0.0), 1.0)


def _verdict(plans: int, low: float, high: float, net_low: float, same_kind: bool) -> EvidenceVerdict:
    if plans < MIN_PLANS:
        return EvidenceVerdict.INSUFFICIENT
    if high < 0:
        return EvidenceVerdict.INVERTED
    if low <= 0:
        return EvidenceVerdict.NONE
    if not same_kind:
        return EvidenceVerdict.INSUFFICIENT
    return EvidenceVerdict.POSITIVE if net_low > 0 else EvidenceVerdict.WEAK


def _gross_r(log_odds: float, reward: float) -> float:
    return _share(log_odds) * (1 + reward) - 1


def _log_odds(share: float) -> float:
    return math.log(share / (1 - share))


def _share(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
