"""Plans that the rules gave, as plan models learn from them, and how the predictions of a plan model did."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from backtesting.evidence.building import MeasuredMarket
from backtesting.evidence.curve import chance, clustered_mean
from domain.arrays import FloatArray, IntArray
from domain.market import Timeframe
from domain.naming.symbols import Symbol
from domain.trading.plan_models import PlanModelRecord
from rules.evidence.measured import MeasuredEvidence
from rules.plan_facts import plan_facts
from rules.plans import HORIZON_CANDLES, REWARD, STOP_ATR


@dataclass(frozen=True)
class GivenPlans:
    """The n plans that the rules gave in a market, one at a moment, oldest first.

    Attributes:
        times_ms: When each was made, epoch ms: the close of a candle.
        facts: In the order of `PLAN_FACTS`, shape (n, facts).
        outcomes: 1 where the target came first, -1 where the stop did, 0 at the time limit, shape (n,).
        stated: Probability that the target comes first by the evidence, shape (n,).
    """

    times_ms: IntArray
    facts: FloatArray
    outcomes: FloatArray
    stated: FloatArray


def given_plans(market: MeasuredMarket, evidence: MeasuredEvidence | None) -> GivenPlans:
    """Return the plans that the rules gave in a market; they are given whatever the evidence says of them.

    Args:
        market: Its measured plans.
        evidence: The evidence; None states what chance alone gives.
    """
    given = market.samples.where(market.samples.given)
    odds = np.zeros(len(given))
    if evidence is not None:
        record = evidence.record(market.timeframe)
        odds = record.weight_share(market.symbol, market.timeframe) * record.weight * given.support
    return GivenPlans(
        times_ms=given.times_ms,
        facts=plan_facts(given.sides, given.trends, given.support, given.scores, given.risk_bps),
        outcomes=given.reached.astype(np.float64) - given.stopped,
        stated=chance(odds),
    )


def record_predictions(
    stated: FloatArray, reached: FloatArray, times_ms: IntArray, timeframe: Timeframe, symbols: Iterable[str]
) -> PlanModelRecord:
    """Return how predictions out of sample did.

    The error is that of the mean outcome less the mean stated probability, over clusters of time, turned into log odds
    by the slope of the logistic curve there.

    Args:
        stated: Probabilities that the target comes first, shape (n,), n >= 1.
        reached: 1 where it did, 0 where the stop came first, shape (n,).
        times_ms: When the plans were made, shape (n,).
        timeframe: Of the plans.
        symbols: Of the markets; those of no known kind are left out.
    """
    missed = reached - stated
    _, error = clustered_mean(missed, times_ms, timeframe)
    alone = float(missed.std()) / math.sqrt(len(missed))
    effect = max((error / alone) ** 2, 1.0) if alone else 1.0
    return PlanModelRecord(
        error=round(error / float((stated * (1 - stated)).mean()), 6),
        plans=round(len(missed) / effect),
        samples=len(missed),
        base_rate=round(float(reached.mean()), 4),
        stated=round(float(stated.mean()), 4),
        kinds=tuple(sorted({kind for symbol in symbols if (kind := Symbol.of(symbol).kind)})),
        stop_atr=STOP_ATR,
        reward=REWARD,
        horizon_candles=HORIZON_CANDLES,
    )
