"""Signals for many symbols over HTTP."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY

from domain.forecasting import ANY_SYMBOL, ModelType
from domain.market import Timeframe
from models.registry.registry import Registry
from tests.conftest import STRANGER, MakeClient
from tests.fixtures.answers import posted
from tests.fixtures.bodies import base_path, wire_candles
from tests.fixtures.forecasting import put_in_production

pytest_plugins = ["tests.fixtures.registry"]

KEYS: dict[str, Any] = {
    "symbol": str,
    "direction": str,
    "confidence": float,
    "predicted_return_15m": (float, type(None)),
    "predicted_return_1h": (float, type(None)),
    "predicted_return_4h": (float, type(None)),
    "predicted_return_12h": (float, type(None)),
    "predicted_return_notes": dict,
    "risk_metrics": dict,
    "timestamp": int,
    "features_hash": int,
    "timeframe": str,
    "model_type": str,
    "source_data": str,
    "cached": bool,
    "forecast": (dict, type(None)),
    "forecast_note": (str, type(None)),
}
OPEN_FILTERS = {"min_confidence": 0, "max_signals_per_minute": 1000, "max_correlation": 1}


# Of a proxy that is not declared.
OF_A_STRANGER = {"X-Forwarded-For": "203.0.113.9"}


def post(client: TestClient, body: dict[str, Any], headers: dict[str, str] | None = None) -> dict[str, Any]:
    answer = posted(client, "/ai/signals", body, **(headers or {}))
    assert set(answer) == {"signals", "withheld"}
    return answer


def sent(drifts: dict[str, float], count: int = 240) -> dict[str, Any]:
    """Return a request with the candles of markets, by their drift per candle."""
    frames = {
        symbol: {"15m": wire_candles(base_path(seed, drift), count)}
        for seed, (symbol, drift) in enumerate(drifts.items(), 1)
    }
    return {"symbols": list(drifts), "timeframe_data": frames}


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    return make_client(signals=OPEN_FILTERS)


def test_a_batch_has_a_signal_for_each_symbol_in_the_shape_that_traders_read(client: TestClient) -> None:
    answer = post(client, sent({"UPUSDT": 0.35, "DOWNUSDT": -0.35, "NOISEUSDT": 0.0}))
    assert answer["withheld"] == []
    for signal in answer["signals"]:
        assert set(signal) == set(KEYS)
        assert all(isinstance(signal[name], kind) for name, kind in KEYS.items()), signal
        assert all(type(value) is float for value in signal["risk_metrics"].values())
        assert (signal["timeframe"], signal["source_data"], signal["cached"]) == ("15m", "client", False)
        assert 0 <= signal["features_hash"] < 2**53
        # No model is in production.
        times = ("15m", "1h", "4h", "12h")
        assert [signal[f"predicted_return_{time}"] for time in times] == [None] * 4
        assert all("no model" in signal["predicted_return_notes"][time] for time in times)
        # A command that trains what lacks: of the models that see four candles ahead.
        assert signal["predicted_return_notes"]["1h"].endswith("--timeframe 15m --horizon 4")
    found = {signal["symbol"]: signal for signal in answer["signals"]}
    assert found["UPUSDT"]["direction"] == "LONG"
    assert found["DOWNUSDT"]["direction"] == "SHORT"
    assert {"stop_loss", "take_profit"} <= set(found["UPUSDT"]["risk_metrics"])


def test_a_model_of_several_horizons_predicts_the_returns(make_client: MakeClient, registry: Registry) -> None:
    horizons: dict[str, Any] = {"outputs": "multi_horizon", "horizons_candles": (1, 4, 16, 48)}
    scope: dict[str, Any] = {"symbol": ANY_SYMBOL, "timeframe": Timeframe.M15}
    version = put_in_production(registry, ModelType.PATCHTST, **scope, **horizons)
    client = make_client(signals=OPEN_FILTERS)
    body = sent({"UPUSDT": 0.35, "DOWNUSDT": -0.35})
    answer = post(client, body)
    for signal in answer["signals"]:
        predicted = [signal[f"predicted_return_{horizon}"] for horizon in ("15m", "1h", "4h", "12h")]
        candles = body["timeframe_data"][signal["symbol"]]
        request = {"symbol": signal["symbol"], "timeframe_data": candles, "current_price": candles["15m"][-1]["close"]}
        single = client.post("/ai/predict", json=request | {"volume_24h": 0, "timestamp": signal["timestamp"]}).json()
        assert single["model_version"] == version
        told = [single["expected_returns"][name] for name in ("1", "4", "16", "48")]
        # A return that no market has is an error of the model.
        assert predicted == [pytest.approx(value) if -0.9 < value < 10 else None for value in told]
        assert all("expects a return of" in note for note in signal["predicted_return_notes"].values())
        assert len(signal["predicted_return_notes"]) == predicted.count(None) < 4
        risks = {name for name in signal["risk_metrics"] if name.startswith("expected_")}
        assert risks == {f"expected_{what}_{minutes}m" for what in ("drawdown", "rally") for minutes in (60, 720)}
        forecast = signal["forecast"]
        assert (forecast["model_version"], signal["forecast_note"]) == (version, None)
        assert forecast["probability_up"] == pytest.approx(single["probability_up"])


def test_the_batch_says_what_a_single_analysis_says(client: TestClient) -> None:
    body = sent({"UPUSDT": 0.35})
    (signal,) = post(client, body)["signals"]
    candles = body["timeframe_data"]["UPUSDT"]["15m"]
    single = client.post(
        "/ai/analyze",
        json={
            "symbol": "UPUSDT",
            "timeframe_data": {"15m": candles},
            "current_price": candles[-1]["close"],
            "volume_24h": 1000.0,
            "timestamp": candles[-1]["timestamp"],
            "strategy_context": {},
        },
    ).json()
    assert (single["signal"].upper(), single["confidence"]) == (signal["direction"], signal["confidence"])
    assert single["risk_assessment"]["stop_loss_suggestion"] == signal["risk_metrics"]["stop_loss"]


def test_old_candles_have_no_side_and_hold_back_no_signal_of_the_market_now(make_client: MakeClient) -> None:
    """Old candles of a market that moves alike would make the fresh signal the same bet."""
    client = make_client(signals=OPEN_FILTERS | {"max_correlation": 0.5})
    body = sent({"UPUSDT": 0.35})
    candles = body["timeframe_data"]["UPUSDT"]["15m"]
    earlier = {"symbols": ["ALIKEUSDT"], "timeframe_data": {"ALIKEUSDT": {"15m": candles[:-8]}}}
    (old,), (fresh,) = post(client, earlier)["withheld"], post(client, body)["signals"]
    # Eight lengths ago, and what has passed of the candle that is forming now.
    assert re.match(r"refused by fresh_data: the newest candle closed [89]\.\d of its lengths ago", old["reason"])
    assert fresh["direction"] == "LONG"


def test_fetched_symbols_are_judged_once_in_five_minutes(client: TestClient) -> None:
    body = {"symbols": ["BTCUSDT", "ETHUSDT", "BTCUSDT"]}
    first, known = post(client, body), REGISTRY.get_sample_value("ml_cache_hits_total") or 0.0
    again = post(client, body)
    assert REGISTRY.get_sample_value("ml_cache_hits_total") == known + 2
    assert sorted(signal["symbol"] for signal in first["signals"]) == ["BTCUSDT", "ETHUSDT"]
    assert [signal["source_data"] for signal in first["signals"]] == ["synthetic"] * 2
    assert again["signals"] == [signal | {"cached": True} for signal in first["signals"]]


def test_equal_candles_are_no_new_signal_and_other_ones_are(client: TestClient) -> None:
    first = post(client, sent({"UPUSDT": 0.35}))["signals"][0]
    again = post(client, sent({"UPUSDT": 0.35}))["signals"][0]
    assert (again["cached"], again["timestamp"]) == (True, first["timestamp"])
    changed = post(client, sent({"UPUSDT": 0.36}))["signals"][0]
    assert changed["cached"] is False
    assert changed["features_hash"] != first["features_hash"]


def test_filters_say_why_a_symbol_has_no_signal(make_client: MakeClient) -> None:
    client = make_client(signals={"max_signals_per_minute": 1, "min_confidence": 0.5})
    answer = post(client, sent({"UPUSDT": 0.35, "RISEUSDT": 0.35, "NOISEUSDT": 0.0, "THINUSDT": 0.0}, 240) | {})
    assert len(answer["signals"]) == 1
    reasons = {signal["symbol"]: signal["reason"] for signal in answer["withheld"]}
    assert len(reasons) == 3
    assert any("1 signals went out" in reason for reason in reasons.values())


def test_one_symbol_with_too_few_candles_does_not_stop_the_others(client: TestClient) -> None:
    body = sent({"UPUSDT": 0.35, "THINUSDT": 0.0})
    body["timeframe_data"]["THINUSDT"]["15m"] = body["timeframe_data"]["THINUSDT"]["15m"][-20:]
    answer = post(client, body)
    assert [signal["symbol"] for signal in answer["signals"]] == ["UPUSDT"]
    (withheld,) = answer["withheld"]
    assert withheld["symbol"] == "THINUSDT"
    assert "needs 60 closed candles" in withheld["reason"]


def test_candles_of_an_untrusted_client_reach_no_other_client(make_client: MakeClient) -> None:
    settings: dict[str, Any] = {**OPEN_FILTERS, "max_signals_per_minute": 1, "max_correlation": 0.8}
    stranger = make_client(address=STRANGER, signals=settings)
    assert post(stranger, sent({"BTCUSDT": -0.35}))["signals"][0]["source_data"] == "client"
    # Neither the minute nor the cache knows of it.
    (fetched,) = post(stranger, {"symbols": ["BTCUSDT"]})["signals"]
    assert (fetched["source_data"], fetched["cached"]) == ("synthetic", False)


def test_what_an_untrusted_client_is_given_takes_no_place_of_a_trusted_one(make_client: MakeClient) -> None:
    client = make_client(signals={**OPEN_FILTERS, "max_signals_per_minute": 1})
    (given,) = post(client, {"symbols": ["BTCUSDT"]}, OF_A_STRANGER)["signals"]
    (signal,) = post(client, {"symbols": ["ETHUSDT"]})["signals"]
    assert signal["symbol"] == "ETHUSDT"
    # Nor does a trusted one take theirs; it is the same judgement for both.
    (again,) = post(client, {"symbols": ["BTCUSDT"]}, OF_A_STRANGER)["signals"]
    assert again == given | {"cached": True}


def test_without_any_market_the_answer_is_503(make_client: MakeClient) -> None:
    client = make_client(market_data={"sources": ["stored"]})
    response = client.post("/ai/signals", json={"symbols": ["BTCUSDT", "ETHUSDT"]})
    assert response.status_code == 503
    assert "no market data for BTCUSDT: stored: has no 15m candles" in response.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 422, "symbols"),
        ({"symbols": []}, 422, "symbols"),
        ({"symbols": ["btc"]}, 422, "symbols"),
        ({"symbols": [f"S{n:04d}" for n in range(51)]}, 422, "symbols"),
        ({"symbols": ["BTCUSDT"], "timeframe_data": {"ETHUSDT": {}}}, 422, "ETHUSDT, which is not among the symbols"),
        ({"symbols": ["BTCUSDT"], "timeframe_data": {"BTCUSDT": {"2h": []}}}, 422, "timeframe_data"),
        ({"symbols": ["BTCUSDT"], "timeframe_data": {"BTCUSDT": {"1h": [{"open": 1}]}}}, 422, "timeframe_data"),
    ],
)
def test_a_body_that_does_not_fit_says_why(client: TestClient, body: dict[str, Any], status: int, words: str) -> None:
    response = client.post("/ai/signals", json=body)
    assert response.status_code == status
    assert words in response.text


def test_impossible_candles_and_those_of_the_future_are_refused(client: TestClient) -> None:
    body = sent({"UPUSDT": 0.0})
    candles = body["timeframe_data"]["UPUSDT"]["15m"]
    candles[-1]["timestamp"] += 1000 * Timeframe.M15.ms
    assert client.post("/ai/signals", json=body).status_code == 400
    candles[-1]["timestamp"] = candles[-2]["timestamp"]
    assert "repeats the open time" in client.post("/ai/signals", json=body).json()["detail"]


def test_other_names_of_kline_keys_are_read_too(client: TestClient) -> None:
    body = sent({"UPUSDT": 0.35})
    candles = body["timeframe_data"]["UPUSDT"]["15m"]
    body["timeframe_data"]["UPUSDT"]["15m"] = [{"open_time": candle.pop("timestamp"), **candle} for candle in candles]
    assert post(client, body)["signals"][0]["direction"] == "LONG"
