"""The strategies that suit a market, by their own evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import IndicatorSettings
from domain.analysis import MarketSnapshot
from domain.market import Timeframe
from rules.direction import view_trend
from rules.strategies import STRATEGY_NAMES
from rules.strategy_fit import TRAITS, Recommendation, names_that_suit, recommend
from tests.fixtures.histories import context_of, dashboard, flat_series, simulated, snapshot_of, without_volume
from tests.fixtures.settings import configured

PERIODS = configured(IndicatorSettings)
FOLLOWERS = {name for name, traits in TRAITS.items() if traits.follows}


def recommended(snapshot: MarketSnapshot, strategies: tuple[str, ...] = STRATEGY_NAMES) -> list[Recommendation]:
    context = context_of(snapshot, strategies)
    return recommend(context, view_trend(context), PERIODS)


def test_every_strategy_has_traits_and_reads_what_there_is() -> None:
    assert tuple(TRAITS) == STRATEGY_NAMES
    latest = context_of(dashboard(1, 0.4)).main.latest
    for traits in TRAITS.values():
        assert set(traits.evidence) <= latest.keys()
        assert set(traits.settings) <= IndicatorSettings.model_fields.keys()


@pytest.mark.parametrize("drift", [0.4, -0.4])
@pytest.mark.parametrize("seed", range(3))
def test_in_a_clear_trend_strategies_that_follow_it_come_first(seed: int, drift: float) -> None:
    found = recommended(dashboard(seed, drift))
    assert {fit.strategy for fit in found[: len(FOLLOWERS)]} == FOLLOWERS
    best = found[0]
    assert best.suitability > 0.8
    assert "the market trends" in best.reasoning
    assert f"leans {'Long' if drift > 0 else 'Short'}." in best.reasoning


def test_without_a_trend_strategies_that_expect_a_turn_come_first() -> None:
    firsts = [recommended(dashboard(seed, 0.0))[0].strategy for seed in range(20)]
    assert sum(name not in FOLLOWERS for name in firsts) >= 14


def test_a_flat_market_suits_no_strategy() -> None:
    found = recommended(snapshot_of(flat_series()))
    assert {fit.suitability for fit in found} == {0.0}
    assert names_that_suit(found) == []


def test_the_reasoning_names_the_evidence_and_the_config_the_settings() -> None:
    snapshot = dashboard(1, 0.4)
    context = context_of(snapshot)
    (macd,) = recommended(snapshot, ("MACD Strategy",))
    assert f"macd histogram {context.main.latest['macd_histogram']:.3g}" in macd.reasoning
    assert macd.config == {"timeframe": "1h", "macd_fast": 12, "macd_slow": 26, "macd_signal": 9}
    others = recommend(context, view_trend(context), configured(IndicatorSettings, rsi_period=9))
    assert next(fit.config["rsi_period"] for fit in others if fit.strategy == "RSI Strategy") == 9


def test_a_strategy_without_its_indicators_has_no_suitability_and_says_why() -> None:
    series = without_volume(simulated(2, 0.5, count=100))
    blind = next(fit for fit in recommended(snapshot_of(series)) if fit.strategy == "Volume Strategy")
    assert blind.suitability == 0
    assert blind.reasoning == "It cannot be judged: 1h has no volume balance, volume ratio."


def test_a_view_against_the_trend_lowers_a_follower() -> None:
    context = context_of(dashboard(1, 0.1))
    view = view_trend(context)
    up = replace(view, trend=0.5, scores=dict.fromkeys(view.scores, 0.9), flat=False, disagree=False)
    down = replace(up, scores=dict.fromkeys(view.scores, 0.1))
    scores = [{fit.strategy: fit.suitability for fit in recommend(context, one, PERIODS)} for one in (up, down)]
    assert scores[0]["momentum"] > scores[1]["momentum"]
    assert scores[0]["RSI Strategy"] == scores[1]["RSI Strategy"]
    torn = {fit.strategy: fit.suitability for fit in recommend(context, replace(up, disagree=True), PERIODS)}
    assert torn["momentum"] == pytest.approx(scores[0]["momentum"] / 2, abs=1e-4)


@given(
    seed=st.integers(0, 10_000),
    drift=st.sampled_from([None, 0.0, 0.3, -0.3]),
    count=st.integers(60, 320),
    strategies=st.permutations(STRATEGY_NAMES).flatmap(lambda names: st.integers(1, 8).map(lambda n: tuple(names[:n]))),
)
def test_laws(seed: int, drift: float | None, count: int, strategies: tuple[str, ...]) -> None:
    snapshot = snapshot_of(simulated(seed, drift, Timeframe.H1, count))
    found = recommended(snapshot, strategies)
    assert found == recommended(snapshot, strategies)
    assert sorted(fit.strategy for fit in found) == sorted(strategies)
    scores = [fit.suitability for fit in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    # The other strategies of a request change no score.
    every = {fit.strategy: fit.suitability for fit in recommended(snapshot)}
    assert all(every[fit.strategy] == fit.suitability for fit in found)
