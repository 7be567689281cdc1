"""Judgements of a history are those that the service would have made then, from the candles known then."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtesting.past.judging import judge_past
from backtesting.past.market import PastMarket
from config.settings import AnalysisSettings
from domain.errors import InvalidRequest
from domain.forecasting import Forecast, ModelType
from domain.hours.trading_hours import known_sessions
from domain.market import CandleSeries, Timeframe
from domain.session_finder import with_sessions
from domain.values import Signal, utc_time
from rules.context import with_forecast
from rules.judgement import judge
from rules.verdict import Ground
from tests.fixtures.histories import INDICATORS, START_MS, WEIGHER, simulated
from tests.fixtures.past_judgements import answer, answers, judged_alone
from tests.fixtures.settings import configured

M1, M15, H1, H4, D1 = Timeframe.M1, Timeframe.M15, Timeframe.H1, Timeframe.H4, Timeframe.D1
RULES = configured(AnalysisSettings, window_candles=90)
WINDOWS = {M15: 80, H1: 60, H4: 40}
SHORT = {M15: 60, H1: 60, H4: 30}


def plain(count: int = 1_200) -> CandleSeries:
    """Return quarters of an hour around the clock."""
    path = simulated(5, None, M15, count)
    return CandleSeries.of_arrays(M15, path.times_ms, path.values)


def without(series: CandleSeries, *holes: tuple[int, int]) -> CandleSeries:
    """Return a series without the candles at the positions of some ranges."""
    left = np.setdiff1d(np.arange(len(series)), np.concatenate([np.arange(*hole) for hole in holes]))
    return CandleSeries.of_arrays(series.timeframe, series.times_ms[left], series.values[left], series.sessions)


def split(series: CandleSeries, position: int) -> CandleSeries:
    """Return a series whose prices are a tenth from a position on."""
    values = series.values.copy()
    values[position:, :4] /= 10
    return CandleSeries.of_arrays(series.timeframe, series.times_ms, values, series.sessions)


def with_nights(count: int = 1_200) -> CandleSeries:
    """Return quarters of an hour of US shares."""
    sessions = known_sessions("AAPL")
    assert sessions is not None
    spans = sessions.spans(START_MS, START_MS + 400 * D1.ms)
    times = np.concatenate(
        [np.arange(opens, closes, M15.ms) for opens, closes in zip(spans.opens, spans.closes, strict=True)]
    )
    times = times[times >= START_MS][:count]
    return CandleSeries.of_arrays(M15, times, simulated(6, None, M15, count).values)


def market(quarters: CandleSeries, symbol: str = "BTCUSDT") -> PastMarket:
    """Return a market on three timeframes, with the sessions that its candles show."""
    return PastMarket(symbol, {M15: with_sessions(symbol, quarters)}).with_longer(H1, H4)


MARKETS: dict[str, Callable[[], CandleSeries]] = {
    "around the clock": plain,
    "holes": lambda: without(plain(), (300, 302), (417, 418), (500, 520), (700, 704), (901, 960)),
    "split": lambda: split(plain(), 704),
    "nights": with_nights,
    "nights, holes and a split": lambda: split(without(with_nights(), (100, 103), (610, 650)), 800),
    "nothing traded": lambda: CandleSeries.of_arrays(M15, plain().times_ms, plain().values * [1, 1, 1, 1, 0]),
}


@pytest.mark.parametrize("name", MARKETS)
def test_every_answer_is_the_one_to_the_window_of_its_moment(name: str) -> None:
    past = market(MARKETS[name](), "AAPL" if "nights" in name else "BTCUSDT")
    judged = list(judge_past(past, RULES, INDICATORS, windows=WINDOWS, weigher=WEIGHER))
    hours = past.series[H1]
    closes = hours.sessions.closes_ms(hours.times_ms, H1.ms)
    assert [one.moment_ms for one in judged] == [int(closes[one.position]) for one in judged]
    found = answers(judged)
    assert len(found) > 180
    for moment_ms in list(found)[::11]:
        assert found[moment_ms] == answer(judged_alone(past, moment_ms, RULES, WINDOWS))
    contexts = [one.judgement.context for one in judged]
    assert any(context.missing_candles for context in contexts) == ("holes" in name)
    assert any(context.breaks for context in contexts) == ("holes" in name or "split" in name)
    if "split" in name:
        assert any(one.judgement.verdict.ground is Ground.BROKEN for one in judged)
        assert any(context.breaks and not context.broken for context in contexts)


def minutes(untraded: float) -> PastMarket:
    """Return minutes with a bad tick, of which a share was not traded, and longer candles of them."""
    path, rng = simulated(5, 0.02, M1, 6_000), np.random.default_rng(9)
    values = path.values.copy()
    values[4_100, 1] *= 1.5
    traded = rng.random(len(path)) >= untraded
    part = CandleSeries.of_arrays(M1, path.times_ms[traded], values[traded])
    return PastMarket("BTCUSDT", {M1: with_sessions("BTCUSDT", part)}).with_longer(Timeframe.M3, Timeframe.M5, M15, H1)


@pytest.mark.parametrize("untraded", [0.0, 0.3])
def test_minutes_a_bad_tick_and_hours_without_trades_are_judged_as_their_windows_are(untraded: float) -> None:
    past, windows = minutes(untraded), dict.fromkeys(Timeframe, 80)
    judged = list(judge_past(past, RULES, INDICATORS, windows=windows, weigher=WEIGHER))
    assert {Ground.ONE_CANDLE, Ground.TREND, Ground.NO_TREND} <= {one.judgement.verdict.ground for one in judged}
    assert any(len(one.judgement.rules.brief) == 3 for one in judged)
    # A whole history tells better than a window which gaps are hours without a trade: both count, and are said apart.
    apart = {"reasoning", "timeframes"} if untraded else set()
    for one in judged[::5]:
        alone = answer(judged_alone(past, one.moment_ms, RULES, windows))
        assert answer(one.judgement).model_dump(exclude=apart) == alone.model_dump(exclude=apart)


def test_the_configured_windows_hold_where_none_are_named() -> None:
    past = market(plain(800))
    judged = list(judge_past(past, RULES, INDICATORS, weigher=WEIGHER))
    everywhere = dict.fromkeys(past.series, RULES.window_candles)
    for one in judged[::20]:
        assert answer(one.judgement) == answer(judged_alone(past, one.moment_ms, RULES, everywhere))
    assert {len(part.series) for part in judged[-1].judgement.context.timeframes.values()} == {90, 50}


@settings(max_examples=8)
@given(known=st.integers(250, 420), seed=st.integers(0, 1_000), factor=st.sampled_from([1.0, 0.1, 1.3, 40.0]))
def test_later_candles_change_no_judgement(known: int, seed: int, factor: float) -> None:
    whole = plain(440)
    values = whole.values.copy()
    values[known:] = simulated([8, seed], None, M15, 440, volatility=0.05).values[known:] * factor
    changed = CandleSeries.of_arrays(M15, whole.times_ms, values)
    cut = whole.part(0, known)
    first, second, third = (
        answers(
            list(
                judge_past(
                    market(series), RULES, INDICATORS, windows=SHORT, until_ms=cut.last_close_ms + 1, weigher=WEIGHER
                )
            )
        )
        for series in (whole, changed, cut)
    )
    assert first == second == third
    assert first


def test_moments_lie_between_since_and_until() -> None:
    past = market(plain(800))
    everything = [one.moment_ms for one in judge_past(past, RULES, INDICATORS, weigher=WEIGHER)]
    since_ms, until_ms = everything[30], everything[90]
    some = list(judge_past(past, RULES, INDICATORS, since_ms=since_ms, until_ms=until_ms, weigher=WEIGHER))
    assert [one.moment_ms for one in some] == everything[30:90]
    assert {one.judgement.context.generated_at for one in some[:1]} == {utc_time(since_ms)}
    assert some[0].judgement.context.as_of == utc_time(since_ms)
    assert list(judge_past(past, RULES, INDICATORS, since_ms=everything[-1] + 1, weigher=WEIGHER)) == []


def test_there_is_no_judgement_before_a_timeframe_has_enough_candles() -> None:
    first = next(judge_past(market(plain(800)), RULES, INDICATORS))
    # Sixty quarters of an hour are fifteen hours.
    assert (first.position, first.judgement.context.primary) == (14, M15)


def test_the_market_is_judged_at_the_closes_of_the_first_configured_timeframe() -> None:
    quarters = plain(800)
    assert market(quarters).primary(RULES) is H1
    assert PastMarket("BTCUSDT", {M15: quarters}).with_longer(H4).primary(RULES) is M15
    days = quarters.resample(D1)
    assert PastMarket("BTCUSDT", {D1: days, Timeframe.H8: quarters.resample(Timeframe.H8)}).primary(RULES) is D1


def test_longer_candles_are_made_of_the_longest_that_divide_them() -> None:
    quarters = plain(800)
    past = market(quarters)
    assert past.series[H4].digest == quarters.resample(H1).resample(H4).digest
    with pytest.raises(InvalidRequest, match="15m candles of BTCUSDT cannot be made from 1h candles"):
        PastMarket("BTCUSDT", {H1: quarters.resample(H1)}).with_longer(M15)


def test_a_market_without_candles_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="the history of BTCUSDT has no candles"):
        PastMarket("BTCUSDT", {H1: CandleSeries(H1, [])})


@pytest.mark.parametrize("blend", ["advise", "weighted"])
def test_a_forecast_handed_in_for_a_moment_has_its_share_then_alone(blend: str) -> None:
    past, rules = market(plain(800)), configured(AnalysisSettings, window_candles=90, blend=blend)
    alone = list(judge_past(past, rules, INDICATORS, weigher=WEIGHER))
    said = Forecast(
        symbol="BTCUSDT",
        timeframe=H1,
        probability_up=0.8,
        signal=Signal.LONG,
        confidence=0.6,
        individual_predictions={"logistic": 0.8},
        disagreement=0.0,
        horizon_candles=1,
        model_type=ModelType.LOGISTIC,
        model_version="logistic_model_20260101_120000",
        expected_returns={},
        expected_drawdowns={},
        expected_rallies={},
    )
    moment_ms = alone[50].moment_ms
    asked = list(judge_past(past, rules, INDICATORS, forecasts={moment_ms: said}, weigher=WEIGHER))
    found = asked[50].judgement
    assert answer(found) == answer(judge(with_forecast(alone[50].judgement.context, said, None, rules)))
    assert found.view.blended == (blend == "weighted")
    assert found.lanes.model is not None
    assert answers(asked[:50]) == answers(alone[:50])
