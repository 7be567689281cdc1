"""The trading engine's indicator settings, from a server that speaks its API."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import numpy as np
import pytest

from config.settings import IndicatorSettings
from features.indicators.technical_indicators import TechnicalIndicators
from features.kernels.candles import Candles
from services.market_data.engine_settings import PATH, EngineSettings
from tests.conftest import MakeClient, MakeSettings
from tests.fixtures.candle_apis import http_client
from tests.fixtures.clocks import NOW, SettableClock
from tests.fixtures.histories import simulated
from tests.fixtures.http_stand_in import Answer, StandIn
from tests.fixtures.patience import PATIENCE_SECONDS
from tests.fixtures.settings import configured

pytest_plugins = ["tests.fixtures.remote_server", "tests.fixtures.logs"]

INDICATORS: dict[str, Any] = {
    "rsi_period": 7,
    "macd_fast": 5,
    "macd_slow": 35,
    "macd_signal": 5,
    "ema_periods": [9, 34],
    "bollinger_period": 30,
    "bollinger_std": 2.5,
    "volume_sma_period": 10,
    "stochastic_k_period": 21,
    "stochastic_d_period": 5,
}
SIGNAL: dict[str, Any] = {
    "trend_threshold_percent": 0.8,
    "min_required_timeframes": 3,
    "min_required_indicators": 4,
    "confidence_base": 0.5,
    "confidence_per_timeframe": 0.08,
}


def answer(**indicators: Any) -> Answer:
    return Answer.of({"success": True, "data": {"indicators": {**INDICATORS, **indicators}, "signal": SIGNAL}})


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with http_client() as client:
        yield client


@pytest.fixture
def engine(server: StandIn, client: httpx2.AsyncClient, make_settings: MakeSettings) -> EngineSettings:
    settings = make_settings(market_data={"engine_url": f"{server.url}/"})
    return EngineSettings(client, settings, TechnicalIndicators(settings.indicators), SettableClock())


def computed(indicators: TechnicalIndicators) -> dict[str, Any]:
    return indicators.columns(Candles(simulated(1, count=300).values.T))


async def test_every_field_is_applied_or_reported(server: StandIn, engine: EngineSettings) -> None:
    server.always(answer())
    await engine.refresh()
    assert [request.path for request in server.requests] == [PATH]
    assert engine.report.applied == INDICATORS
    assert set(engine.report.unsupported) == {f"signal.{name}" for name in SIGNAL}
    assert engine.report.refreshed_at == NOW
    same = configured(
        IndicatorSettings,
        rsi_period=7,
        macd_fast=5,
        macd_slow=35,
        macd_signal=5,
        ema_periods=(9, 12, 21, 26, 50, 34),
        bollinger_period=30,
        bollinger_deviations=2.5,
        volume_period=10,
        stochastic_period=21,
        stochastic_smoothing=5,
    )
    ours, theirs = computed(engine.indicators), computed(TechnicalIndicators(same))
    assert ours.keys() == theirs.keys()
    for name, column in theirs.items():
        np.testing.assert_array_equal(ours[name], column)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("rsi_period", 1, "needs at least 2"),
        ("rsi_period", "14", "needs a whole number"),
        ("rsi_period", True, "needs a number: yes, no, on, off, true and false are none"),
        ("rsi_period", None, "needs a whole number"),
        ("rsi_period", 201, "at most 200"),
        ("ema_periods", 9, "needs a list"),
        ("ema_periods", [9, 0], "needs at least 1"),
        ("ema_periods", [9, 1000], "at most 200"),
        ("ema_periods", [[]], "needs a whole number"),
        ("bollinger_std", 0, "needs more than 0"),
        ("macd_fast", 35, "macd_fast must be less than macd_slow"),
        ("supertrend_period", 10, "no such setting"),
    ],
)
async def test_a_field_that_does_not_fit_is_reported_and_the_others_hold(
    server: StandIn, engine: EngineSettings, name: str, value: Any, words: str
) -> None:
    server.always(answer(**{name: value}))
    await engine.refresh()
    assert words in engine.report.unsupported[f"indicators.{name}"]
    assert name not in engine.report.applied
    assert engine.report.applied["bollinger_period"] == 30
    assert computed(engine.indicators)


@pytest.mark.parametrize(
    "trouble",
    [
        Answer(b"{}", 500),
        Answer(b"{}", 404),
        Answer(b"<html>"),
        Answer.of({"success": False, "error": "internals"}),
        Answer.of({"success": True}),
        Answer.of({"success": True, "data": []}),
        Answer.of({"success": True, "data": {"indicators": 3}}),
    ],
)
async def test_while_the_engine_is_in_trouble_its_last_settings_stay(
    server: StandIn, engine: EngineSettings, trouble: Answer, log_lines: list[str]
) -> None:
    server.always(answer())
    await engine.refresh()
    report = engine.report
    server.always(trouble)
    for _ in range(3):
        await engine.refresh()
    assert engine.report is report
    assert "ema_34" in engine.indicators.names
    assert sum("cannot be read" in line for line in log_lines) == 1


async def test_the_log_names_what_is_unsupported_once(
    server: StandIn, engine: EngineSettings, log_lines: list[str]
) -> None:
    server.always(answer())
    for _ in range(3):
        await engine.refresh()
    assert sum("not supported" in line for line in log_lines) == 1
    server.always(answer(supertrend_period=10))
    await engine.refresh()
    assert sum("not supported" in line for line in log_lines) == 2


async def test_settings_that_the_engine_no_longer_sends_have_our_defaults_again(
    server: StandIn, engine: EngineSettings
) -> None:
    server.always(answer())
    await engine.refresh()
    server.always(Answer.of({"success": True, "data": {}}))
    await engine.refresh()
    assert engine.report.applied == {}
    assert "ema_34" not in engine.indicators.names


def test_a_service_applies_them_and_says_so(server: StandIn, make_client: MakeClient) -> None:
    server.always(answer())
    client = make_client(market_data={"engine_url": server.url})
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (config := json.loads(client.get("/config").text))["engine_settings"]["refreshed_at"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert config["engine_settings"]["applied"] == INDICATORS
    assert type(config["engine_settings"]["applied"]["rsi_period"]) is int
    assert "signal.confidence_base" in config["engine_settings"]["unsupported"]
    assert "ema_34" in config["data_config"]["required_indicators"]
    without_engine = make_client().get("/config").json()["engine_settings"]
    assert without_engine == {"applied": {}, "unsupported": {}, "refreshed_at": None}
