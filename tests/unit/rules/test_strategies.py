"""Each named strategy follows its rule, smoothly, and has no view without its indicators."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.market import CandleSeries
from rules.strategies import NO_VIEW, STRATEGIES, STRATEGY_NAMES
from tests.fixtures.histories import INDICATORS, flat_series, simulated

FOLLOWING = ("MACD Strategy", "Volume Strategy", "momentum", "trend_following")
CONTRARIAN = ("RSI Strategy", "Bollinger Bands Strategy", "Stochastic Strategy")
# An average market: price 100, range 1, nothing leans anywhere.
CALM = {
    "close": 100.0,
    "ema_9": 100.0,
    "ema_21": 100.0,
    "ema_50": 100.0,
    "average_true_range": 1.0,
    "rsi": 50.0,
    "macd": 0.0,
    "macd_histogram": 0.0,
    "volume_balance": 0.0,
    "volume_ratio": 1.0,
    "bollinger_percent_b": 0.5,
    "stochastic_k": 50.0,
    "stochastic_d": 50.0,
    "rate_of_change": 0.0,
    "adx": 15.0,
    "plus_di": 20.0,
    "minus_di": 20.0,
}


def _latest(series: CandleSeries) -> dict[str, float]:
    return {str(name): float(value) for name, value in INDICATORS.compute(series.frame).iloc[-1].dropna().items()}


def _score(name: str, **changes: float) -> float:
    return STRATEGIES[name]({**CALM, **changes})


def test_the_eight_strategies_have_the_names_clients_send() -> None:
    assert STRATEGY_NAMES == (
        "RSI Strategy",
        "MACD Strategy",
        "Volume Strategy",
        "Bollinger Bands Strategy",
        "Stochastic Strategy",
        "momentum",
        "trend_following",
        "mean_reversion",
    )


@pytest.mark.parametrize("name", STRATEGY_NAMES)
def test_a_calm_market_or_missing_indicators_give_no_view(name: str) -> None:
    assert _score(name) == NO_VIEW
    assert STRATEGIES[name]({}) == NO_VIEW
    assert STRATEGIES[name](_latest(flat_series())) == NO_VIEW


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("RSI Strategy", {"rsi": 25.0}, 1.0),
        ("RSI Strategy", {"rsi": 35.0}, 0.75),
        ("RSI Strategy", {"rsi": 70.0}, 0.125),
        ("MACD Strategy", {"macd": 1.5, "macd_histogram": 0.5}, 1.0),
        ("MACD Strategy", {"macd": -0.75, "macd_histogram": 0.0}, 0.375),
        ("Volume Strategy", {"volume_balance": 0.5}, 1.0),
        ("Volume Strategy", {"volume_balance": -0.5, "volume_ratio": 0.4}, 0.25),
        ("Bollinger Bands Strategy", {"bollinger_percent_b": 0.0}, 1.0),
        ("Bollinger Bands Strategy", {"bollinger_percent_b": 0.875}, 0.25),
        ("Stochastic Strategy", {"stochastic_k": 5.0, "stochastic_d": 15.0}, 1.0),
        ("Stochastic Strategy", {"stochastic_k": 80.0, "stochastic_d": 80.0}, 0.25),
        ("momentum", {"rate_of_change": 100 * (100 / 98 - 1)}, 0.75),
        ("momentum", {"rate_of_change": 100 * (100 / 105 - 1)}, 0.0),
        (
            "trend_following",
            {"ema_9": 98.5, "ema_21": 97.0, "ema_50": 95.5, "plus_di": 30.0, "minus_di": 10.0, "adx": 35.0},
            1.0,
        ),
        ("trend_following", {"plus_di": 10.0, "minus_di": 30.0, "adx": 15.0}, 0.375),
        ("mean_reversion", {"bollinger_percent_b": 0.0, "rsi": 30.0}, 1.0),
        ("mean_reversion", {"bollinger_percent_b": 0.0, "rsi": 30.0, "adx": 25.0}, 0.75),
        ("mean_reversion", {"bollinger_percent_b": 1.0, "rsi": 70.0, "adx": 40.0}, 0.5),
    ],
)
def test_scores_follow_the_documented_rule(name: str, changes: dict[str, float], expected: float) -> None:
    assert _score(name, **changes) == pytest.approx(expected)


def test_followers_go_with_a_strong_trend_and_contrarians_against_it() -> None:
    rising = _latest(simulated(2, drift=0.6, count=120))
    falling = _latest(simulated(2, drift=-0.6, count=120))
    for name in FOLLOWING:
        assert STRATEGIES[name](rising) > 0.6 > 0.4 > STRATEGIES[name](falling), name
    for name in CONTRARIAN:
        assert STRATEGIES[name](rising) < 0.5 < STRATEGIES[name](falling), name


values = st.dictionaries(st.sampled_from(sorted(CALM)), st.floats(-1e6, 1e6), max_size=len(CALM))


@given(changes=values)
def test_scores_stay_within_bounds_whatever_the_indicators(changes: dict[str, float]) -> None:
    for name in STRATEGY_NAMES:
        assert 0 <= _score(name, **changes) <= 1


@given(
    name=st.sampled_from(STRATEGY_NAMES),
    key=st.sampled_from(sorted(set(CALM) - {"average_true_range"})),
    start=st.floats(-0.2, 1.2),
)
def test_scores_move_continuously_with_every_indicator(name: str, key: str, start: float) -> None:
    scale = {"close": 10, "ema_9": 10, "ema_21": 10, "ema_50": 10, "macd": 4, "macd_histogram": 2}.get(key, 1)
    base = 95.0 if key in {"close", "ema_9", "ema_21", "ema_50"} else 0.0
    span = 100 if key in {"rsi", "stochastic_k", "stochastic_d", "adx", "plus_di", "minus_di"} else scale
    value = base + abs(start) * span + 1e-3
    step = 1e-6 * span
    leaning = {"bollinger_percent_b": 0.1, "rsi": 35.0, "volume_balance": 0.3, "adx": 25.0, "plus_di": 25.0}
    before = _score(name, **{**leaning, key: value})
    after = _score(name, **{**leaning, key: value + step})
    assert math.isclose(before, after, abs_tol=1e-4)


@given(key=st.sampled_from(sorted(CALM)), name=st.sampled_from(STRATEGY_NAMES))
def test_an_indicator_that_is_nan_or_missing_gives_a_finite_score(key: str, name: str) -> None:
    missing = {other: value for other, value in CALM.items() if other != key}
    assert STRATEGIES[name](missing) == NO_VIEW
    assert _score(name, **{key: math.nan}) == NO_VIEW
