"""What the LLM is asked: facts without dates, equal for equal markets; client text as harmless data."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analysis import MarketSnapshot, replay
from domain.forecasting import Forecast, ModelType
from domain.market import Candle, CandleSeries, Timeframe
from domain.queries import ClientContext, NewsSentiment
from domain.values import Signal
from services.analysis.prompt import INSTRUCTIONS, analysis_prompt
from services.analysis.reply import ANALYSIS_SCHEMA
from services.llm.client_text import MAX_ITEMS, MAX_TEXT, clean, clean_text
from services.llm.prompt import Prompt, make_prompt
from tests.fixtures.histories import context_of, dashboard, simulated

MARKS = ("<facts>", "</facts>", "<client_data>", "</client_data>")


def parts(prompt: Prompt) -> tuple[str, str]:
    """Return what stands between the marks of the facts, and between those of the client's data."""
    found = re.fullmatch(r"<facts>\n(.*)\n</facts>\n<client_data>\n(.*)\n</client_data>", prompt.user)
    assert found is not None, prompt.user
    return found.group(1), found.group(2)


def shifted(snapshot: MarketSnapshot, days: int) -> MarketSnapshot:
    """Return the same market some days later."""
    ms = days * 86_400_000
    series = {
        timeframe: CandleSeries(
            timeframe, [Candle(c.timestamp + ms, c.open, c.high, c.low, c.close, c.volume) for c in part.candles]
        )
        for timeframe, part in snapshot.series.items()
    }
    return replace(snapshot, series=series)


def test_the_same_market_on_another_day_gives_the_same_prompt() -> None:
    snapshot = dashboard(1, 0.2)
    prompt = analysis_prompt(context_of(snapshot))
    later = replace(context_of(shifted(snapshot, 90)))
    later = replace(later, generated_at=later.generated_at + timedelta(days=90))
    assert analysis_prompt(later) == prompt
    assert not re.search(r"\b20[12]\d-|17\d{8}", prompt.system + prompt.user)


def test_a_market_whose_volume_is_not_known_has_a_prompt() -> None:
    hours = simulated(1)
    values = hours.values.copy()
    values[:, 4] = math.nan
    silent = CandleSeries.of_arrays(Timeframe.H1, hours.times_ms, values)
    snapshot = replay("EURUSD", {Timeframe.H1: silent}, silent.last_close_ms)
    assert snapshot.volume_24h is None
    facts, _ = parts(analysis_prompt(context_of(snapshot)))
    assert json.loads(facts)["volume_24h"] is None
    loud = replay("EURUSD", {Timeframe.H1: hours}, hours.last_close_ms)
    assert loud.volume_24h == pytest.approx(hours.values[-24:, 4].sum())


def test_differences_beyond_the_sixth_digit_do_not_count() -> None:
    context = context_of(dashboard(1, 0.2))
    assert analysis_prompt(replace(context, price=context.price * (1 + 1e-9))) == analysis_prompt(context)
    assert analysis_prompt(replace(context, price=context.price * 1.001)) != analysis_prompt(context)


def test_the_facts_are_those_of_the_context() -> None:
    context = context_of(dashboard(1, 0.2), ("RSI Strategy", "momentum"))
    facts = json.loads(parts(analysis_prompt(context))[0])
    assert facts["strategies"] == ["RSI Strategy", "momentum"]
    assert facts["model_forecast"] is None
    assert list(facts["timeframes"]) == sorted(str(timeframe) for timeframe in context.timeframes)
    for timeframe, part in context.timeframes.items():
        sent = facts["timeframes"][timeframe.value]
        assert sent["indicators"]["rsi"] == pytest.approx(part.latest["rsi"], rel=1e-5)
        assert sent["support_levels"] == pytest.approx(list(part.levels.supports), rel=1e-5)
        assert sent["last_closes"][-1] == pytest.approx(part.series.candles[-1].close, rel=1e-5)
        assert "on_balance_volume" not in sent["indicators"]


def test_a_forecast_stands_among_the_facts() -> None:
    forecast = Forecast(
        symbol="BTCUSDT",
        timeframe=Timeframe.H1,
        probability_up=0.57,
        signal=Signal.NEUTRAL,
        confidence=0.14,
        individual_predictions={"lstm": 0.57},
        disagreement=0.0,
        horizon_candles=1,
        model_type=ModelType.LSTM,
        model_version="lstm_model_20260101_000000",
        expected_returns={},
        expected_drawdowns={},
        expected_rallies={},
    )
    facts = json.loads(parts(analysis_prompt(replace(context_of(dashboard(1, 0.2)), forecast=forecast)))[0])
    assert facts["model_forecast"]["probability_up"] == 0.57
    # The name of a version holds its date.
    assert "2026" not in json.dumps(facts)


def test_texts_of_a_client_are_data_apart_from_the_facts() -> None:
    context = context_of(dashboard(1, 0.2))
    said = ClientContext(
        market_condition="Bullish",
        risk_level="Moderate",
        risk_tolerance="low",
        news=NewsSentiment(positive=3, fear_greed=71.0),
    )
    silent, spoken = analysis_prompt(context), analysis_prompt(replace(context, client=said))
    assert parts(silent)[0] == parts(spoken)[0]
    assert json.loads(parts(silent)[1]) == {}
    assert json.loads(parts(spoken)[1]) == {
        "market_condition": "Bullish",
        "risk_level": "Moderate",
        "risk_tolerance": "low",
        "news": {"positive": 3, "fear_greed": 71.0},
    }


@given(st.text(), st.text())
def test_no_text_leaves_the_part_that_it_stands_in(name: str, text: str) -> None:
    prompt = make_prompt(INSTRUCTIONS, {"price": 1.0}, {name: [text, {text: name}]}, ANALYSIS_SCHEMA)
    facts, data = parts(prompt)
    assert facts == '{"price":1.0}'
    assert [prompt.user.count(mark) for mark in MARKS] == [1, 1, 1, 1]
    assert data.isprintable()
    assert json.loads(data) == clean({name: [text, {text: name}]})


@given(st.text(max_size=2000))
def test_cleaned_text_is_short_printable_and_stays_as_it_is(text: str) -> None:
    cleaned = clean_text(text)
    assert len(cleaned) <= MAX_TEXT
    assert cleaned.isprintable()
    assert clean_text(cleaned) == cleaned.strip()


def test_readable_text_in_any_script_is_left_alone() -> None:
    for text in ("Bullish, but RSI > none", "Thị trường tăng", "看涨", "+12 % (swing)"):
        assert clean_text(text) == text.replace(">", "").replace("  ", " ")


def test_text_in_any_script_is_written_as_it_is() -> None:
    said = ClientContext(market_condition="thị trường tăng")
    prompt = analysis_prompt(replace(context_of(dashboard(1, 0.2)), client=said))
    assert '"market_condition":"thị trường tăng"' in prompt.user


def test_long_lists_are_cut() -> None:
    assert len(clean(list(range(1000)))) == MAX_ITEMS
    assert len(clean({str(number): number for number in range(1000)})) == MAX_ITEMS
