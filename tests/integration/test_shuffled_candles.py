"""Candles in another order have no trend to follow: evidence built on them says so, and analyses by it are Neutral."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from backtesting.evidence.building import build_evidence
from backtesting.evidence.measuring import EVERY, Span, measure_market
from backtesting.past.judging import judge_past
from backtesting.past.market import PastMarket
from domain.hours.sessions import AROUND_THE_CLOCK
from domain.market import CandleSeries, Timeframe
from domain.trading.costs import MarketCosts
from domain.trading.plans import TradePlan
from domain.values import Signal
from features.candle_reading.reading import read_candles
from rules.evidence.measured import MeasuredEvidence
from rules.evidence.weighing import MIN_PLANS, Weigher
from rules.verdict import Ground
from tests.fixtures.histories import ANALYSIS, INDICATORS, simulated

COSTS = MarketCosts(fee_bps=5, slippage_bps=1)
SYMBOL = "BTCUSDT"
UNTIL_MS = round(datetime(2023, 1, 1, tzinfo=UTC).timestamp() * 1000)
# Above it an engine acts.
THRESHOLD = 0.5


def shuffled(series: CandleSeries, seed: int) -> CandleSeries:
    """Return the candles in a random order: each keeps its moves from the close before it, and its volume."""
    logs = np.log(series.values[:, :4])
    order = np.random.default_rng(seed).permutation(len(series) - 1)
    moves, volumes = (logs[1:] - logs[:-1, 3:])[order], series.values[1:, 4][order]
    closes = logs[0, 3] + np.cumsum(moves[:, 3])
    before = np.concatenate((logs[:1, 3], closes[:-1]))
    values = np.column_stack((np.exp(before[:, None] + moves), volumes))
    times_ms = series.times_ms[0] + series.timeframe.ms * np.arange(len(values))
    return CandleSeries.of_arrays(series.timeframe, times_ms, values, AROUND_THE_CLOCK)


def evidence_of(series: CandleSeries) -> MeasuredEvidence:
    """Return the evidence of a series, judged through the whole rules, as `cli.py evidence build` does."""
    market = measure_market(
        "candles.csv", SYMBOL, series, (Timeframe.H4,), Span(), ANALYSIS, INDICATORS, lambda share: None
    )
    return build_evidence([market], datetime(2026, 1, 1, tzinfo=UTC))


def verdict_of(evidence: MeasuredEvidence) -> str:
    """Return the verdict on a plan that a strong trend supports fully."""
    plan = TradePlan(side=Signal.LONG, entry=100, stop=97, target=106, horizon_candles=240)
    return str(Weigher(evidence, COSTS).weigh(plan, SYMBOL, Timeframe.H1, 1.0).verdict)


def signals(series: CandleSeries, evidence: MeasuredEvidence) -> tuple[float, float, set[Ground]]:
    """Return the shares of directional analyses and of those that an engine acts on, and the grounds of all."""
    market = PastMarket(SYMBOL, {series.timeframe: series}).with_longer(Timeframe.H4)
    judged = [
        past.judgement.verdict
        for past in judge_past(market, ANALYSIS, INDICATORS, every=EVERY, weigher=Weigher(evidence, COSTS))
    ]
    directional = [verdict for verdict in judged if verdict.signal is not Signal.NEUTRAL]
    acted_on = [verdict for verdict in directional if verdict.confidence > THRESHOLD]
    return len(directional) / len(judged), len(acted_on) / len(judged), {verdict.ground for verdict in judged}


def test_shuffled_candles_are_no_evidence_and_their_analyses_are_neutral() -> None:
    # Fat tails, calm and wild stretches, and regimes that rise and fall: of all these the order takes away.
    ordered = simulated(5, drift=None, count=14_000, volatility=0.006)
    evidence = evidence_of(shuffled(ordered, seed=1))
    (record,) = evidence.records
    assert record.plans > MIN_PLANS
    assert verdict_of(evidence) == "none"
    # As elsewhere trends seem to be there; what they came to holds the signals back.
    directional, acted_on, grounds = signals(shuffled(ordered, seed=2).part(0, 2_000), evidence)
    assert (directional, acted_on) == (0, 0)
    assert Ground.NO_EDGE in grounds
    # The same candles in their order have trends that last, and the same rules are worth something there.
    trends = evidence_of(ordered)
    assert verdict_of(trends) == "positive"
    directional, acted_on, _ = signals(ordered.part(0, 2_000), trends)
    assert directional > acted_on / 2 > 0.05


def test_few_shuffled_candles_are_insufficient_evidence() -> None:
    ordered = simulated(6, count=5_000, volatility=0.006)
    evidence = evidence_of(shuffled(ordered, seed=1))
    assert evidence.records[0].plans < MIN_PLANS
    assert verdict_of(evidence) == "insufficient"
    # The agreement of the timeframes stands in, near an even chance: an engine acts on hardly any.
    directional, acted_on, _ = signals(shuffled(ordered, seed=2).part(0, 2_000), evidence)
    assert acted_on < 0.05 < directional


def test_shuffled_hours_of_a_real_market_are_no_evidence_and_their_analyses_are_neutral(real_data: Path) -> None:
    real = read_candles(real_data / "BTCUSDT-1h.csv.gz", 0x7FFF_FFFF_FFFF).series.closed_by(UNTIL_MS)
    evidence = evidence_of(shuffled(real, seed=1).part(0, 20_000))
    assert evidence.records[0].plans > MIN_PLANS
    assert verdict_of(evidence) == "none"
    directional, acted_on, grounds = signals(shuffled(real, seed=2).part(0, 2_000), evidence)
    assert (directional, acted_on) == (0, 0)
    assert Ground.NO_EDGE in grounds
