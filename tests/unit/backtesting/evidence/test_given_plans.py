"""Plans that the rules gave: a plan model reads of them what an analysis of that moment would give it."""

from __future__ import annotations

import numpy as np
import pytest

from backtesting.evidence.building import MeasuredMarket
from backtesting.evidence.measuring import EVERY
from backtesting.evidence.plan_models import given_plans
from backtesting.evidence.samples import samples_of
from backtesting.past.judging import judge_past
from backtesting.past.market import PastMarket
from domain.market import Timeframe
from rules.plan_facts import PLAN_FACTS, facts_of
from rules.plans import HORIZON_CANDLES
from tests.fixtures.evidence import market
from tests.fixtures.histories import ANALYSIS, INDICATORS, WEIGHER, simulated


def test_what_is_learned_of_a_plan_is_what_its_analysis_gives() -> None:
    series = simulated(3, count=1_500, drift=0.1)
    past = PastMarket("BTCUSDT", {Timeframe.H1: series}).with_longer(Timeframe.H4)
    windows = {Timeframe.H1: 100, Timeframe.H4: 50}
    judged = list(judge_past(past, ANALYSIS, INDICATORS, every=EVERY, windows=windows))
    samples = samples_of(series, judged)
    measured = MeasuredMarket(market(samples).file, "BTCUSDT", Timeframe.H1, samples)
    given = given_plans(measured, WEIGHER.evidence)
    facts = {one.moment_ms: facts_of(one.judgement.context, one.judgement.rules) for one in judged}
    told = {moment: found for moment, found in facts.items() if found is not None}
    # Plans of the newest candles have not ended.
    ended = {moment for moment in told if moment <= series.closes_ms[-1 - HORIZON_CANDLES]}
    assert ended <= set(given.times_ms.tolist()) <= told.keys()
    assert len(given.times_ms) > 50
    # Stops of an analysis are rounded to eight digits.
    expected = np.array([told[moment] for moment in given.times_ms.tolist()])
    np.testing.assert_allclose(given.facts, expected, rtol=2e-5, atol=1e-9)
    assert given.facts.shape[1] == len(PLAN_FACTS)
    assert set(np.unique(given.outcomes)) <= {-1.0, 0.0, 1.0}


def test_what_is_stated_of_given_plans_is_what_their_evidence_says() -> None:
    series = simulated(3, count=900, drift=0.1)
    past = PastMarket("BTCUSDT", {Timeframe.H1: series})
    judged = list(judge_past(past, ANALYSIS, INDICATORS, every=EVERY, weigher=WEIGHER))
    samples = samples_of(series, judged)
    given = given_plans(MeasuredMarket(market(samples).file, "BTCUSDT", Timeframe.H1, samples), WEIGHER.evidence)
    stated = {
        one.moment_ms: one.judgement.by_rules.evidence.target_first
        for one in judged
        if one.judgement.by_rules.evidence is not None
    }
    assert len(given.times_ms)
    for moment, chance in zip(given.times_ms.tolist(), given.stated.tolist(), strict=True):
        assert chance == pytest.approx(stated[moment], abs=1e-4)
