"""POST /ai/replay: the answer of a moment in the past, beside what the ledger has of it."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest

from domain.ledger.entries import LedgerLane
from domain.market import Timeframe
from domain.values import epoch_ms, utc_time
from models.recalibration.recalibration_file import RECALIBRATIONS_FILE, add_recalibration
from models.registry.registry import Registry
from tests.conftest import MakeClient
from tests.fixtures.answers import posted
from tests.fixtures.bodies import base_path, now_ms, shape_a, wire_candles
from tests.fixtures.forecasting import add_fitted, put_in_production
from tests.fixtures.recalibrated import recalibration
from tests.fixtures.recording import StoredLedger

pytest_plugins = ["tests.fixtures.registry"]

UP: dict[str, Any] = {"seed": 5, "drift": 0.35}
HOUR = Timeframe.H1.ms
SAME = ("signal", "confidence", "strategy_scores", "market_analysis", "risk_assessment", "lanes", "evidence", "source")


def closes_with(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body with the price and the strategies of a replay: the newest close, and all of them."""
    return body | {"current_price": body["timeframe_data"]["15m"][-1]["close"], "strategy_context": {}}


def hours(count: int, drift: float = 0.35) -> list[dict[str, Any]]:
    return wire_candles(base_path(seed=5, drift=drift).resample(Timeframe.H1), count)


@pytest.mark.usefixtures("hour_with_time_left")
def test_a_replay_of_the_moment_of_an_answer_says_the_same_and_names_its_entry(make_client: MakeClient) -> None:
    client, body = make_client(), closes_with(shape_a(**UP))
    said = posted(client, "/ai/analyze", body)
    written = StoredLedger()
    written.client = client
    entry = written.of(LedgerLane.RULES)
    replayed = posted(
        client,
        "/ai/replay",
        {"symbol": "ETHUSDT", "as_of": entry.known_ms, "timeframe_data": body["timeframe_data"]},
    )
    assert {name: replayed[name] for name in SAME} == {name: said[name] for name in SAME}
    assert replayed["as_of"] == entry.known_ms
    assert [one["id"] for one in replayed["recorded"]] == [entry.id]
    (difference,) = replayed["differences"]
    assert (difference["entry_id"], difference["lane"]) == (entry.id, "rules")
    fields = {one["field"]: one for one in difference["fields"]}
    assert list(fields) == ["side", "confidence", "price", "stop", "target", "probability_up"]
    assert all(one["equal"] for one in fields.values())
    assert fields["stop"]["difference"] == 0


def test_stored_candles_are_read_where_none_are_sent(make_client: MakeClient) -> None:
    client, body = make_client(), closes_with(shape_a(**UP))
    said = posted(client, "/ai/analyze", body)
    as_of = body["timeframe_data"]["1h"][-1]["timestamp"] + HOUR
    asked = {"symbol": "ETHUSDT", "as_of": as_of, "timeframes": ["1h", "4h"]}
    replayed = posted(client, "/ai/replay", asked)
    assert (replayed["source_data"], replayed["timeframe"]) == ("stored", said["timeframe"])
    sent = {name: body["timeframe_data"][name] for name in asked["timeframes"]}
    by_sent = posted(client, "/ai/replay", asked | {"timeframe_data": sent})
    assert by_sent["source_data"] == "client"
    assert {name: replayed[name] for name in SAME} == {name: by_sent[name] for name in SAME}
    null = posted(
        client, "/ai/replay", {"symbol": "ETHUSDT", "as_of": as_of, "timeframes": None, "timeframe_data": None}
    )
    assert null["source_data"] == "stored"


def test_what_an_answer_differs_in_is_shown_with_the_difference(make_client: MakeClient) -> None:
    client, body = make_client(), closes_with(shape_a(**UP))
    said = posted(client, "/ai/analyze", body | {"current_price": body["current_price"] * 1.001})
    as_of = body["timeframe_data"]["1h"][-1]["timestamp"] + HOUR
    replayed = posted(client, "/ai/replay", {"symbol": "ETHUSDT", "as_of": as_of, **sent_of(body)})
    fields = {one["field"]: one for one in replayed["differences"][0]["fields"]}
    assert fields["price"]["recorded"] == body["current_price"] * 1.001
    assert not fields["price"]["equal"]
    assert fields["price"]["replayed"] == body["timeframe_data"]["1h"][-1]["close"]
    assert fields["price"]["difference"] == fields["price"]["replayed"] - fields["price"]["recorded"]
    assert fields["stop"]["recorded"] == said["risk_assessment"]["stop_loss_suggestion"]
    assert fields["side"]["equal"]


def sent_of(body: dict[str, Any]) -> dict[str, Any]:
    return {"timeframe_data": {"1h": body["timeframe_data"]["1h"]}}


def test_later_candles_change_nothing(make_client: MakeClient) -> None:
    client, candles = make_client(), hours(300)
    as_of = candles[199]["timestamp"] + HOUR
    asked = {"symbol": "BTCUSDT", "as_of": as_of}
    then = posted(client, "/ai/replay", asked | {"timeframe_data": {"1h": candles[:200]}})
    now = posted(client, "/ai/replay", asked | {"timeframe_data": {"1h": candles}})
    fallen = [
        *candles[:200],
        *(one | {name: one[name] / 3 for name in ("open", "high", "low", "close")} for one in candles[200:]),
    ]
    other = posted(client, "/ai/replay", asked | {"timeframe_data": {"1h": fallen}})
    left_out = {"analysis_id", "timestamp", "generated_at"}
    for answer in (now, other):
        # The age is that of now.
        assert {k: v for k, v in answer.items() if k not in left_out | {"data_age_seconds"}} == {
            k: v for k, v in then.items() if k not in left_out | {"data_age_seconds"}
        }


def test_the_model_of_then_answers_and_not_one_promoted_later(make_client: MakeClient, registry: Registry) -> None:
    first = put_in_production(registry)
    promoted = utc_time(now_ms()) - timedelta(hours=30)
    second = add_fitted(registry).version
    registry.promote(second, by="gate", reason="better", at=promoted)
    client = make_client(models={"save_path": str(registry.root)})
    candles = hours(800)
    asked = {"symbol": "BTCUSDT", "timeframe_data": {"1h": candles}}
    before = posted(client, "/ai/replay", asked | {"as_of": epoch_ms(promoted) - HOUR})
    after = posted(client, "/ai/replay", asked | {"as_of": epoch_ms(promoted) + HOUR})
    assert (before["model_version"], before["forecast"]["model_version"]) == (first, first)
    assert (after["model_version"], after["forecast"]["model_version"]) == (second, second)


def odds_of(forecast: dict[str, Any]) -> float:
    stated = forecast["probability_up"]
    return math.log(stated / (1 - stated))


def test_a_forecast_of_then_is_by_the_calibration_of_then(make_client: MakeClient, registry: Registry) -> None:
    version = put_in_production(registry)
    renewed = utc_time(now_ms()) - timedelta(hours=30)
    assert add_recalibration(registry, version, recalibration(renewed, slope=0.5), None)
    client = make_client(models={"save_path": str(registry.root)})
    candles = hours(800)
    asked = {"symbol": "BTCUSDT", "timeframe_data": {"1h": candles}}
    before = posted(client, "/ai/replay", asked | {"as_of": epoch_ms(renewed) - HOUR})["forecast"]
    after = posted(client, "/ai/replay", asked | {"as_of": epoch_ms(renewed) + HOUR})["forecast"]
    assert (before["calibrated_at"], after["calibrated_at"]) == (None, epoch_ms(renewed))
    assert before["model_version"] == after["model_version"] == version
    # The same moment for a service that never heard of it.
    (registry.root / RECALIBRATIONS_FILE).unlink()
    plain = posted(client, "/ai/replay", asked | {"as_of": epoch_ms(renewed) + HOUR})["forecast"]
    assert plain["calibrated_at"] is None
    assert odds_of(after) == pytest.approx(0.5 * odds_of(plain))


def test_without_a_model_then_the_rules_answer_and_say_so(make_client: MakeClient, registry: Registry) -> None:
    registry.promote(add_fitted(registry).version, by="gate", reason="better", at=utc_time(now_ms()))
    client, candles = make_client(models={"save_path": str(registry.root)}), hours(800)
    as_of = candles[-10]["timestamp"]
    answer = posted(client, "/ai/replay", {"symbol": "BTCUSDT", "as_of": as_of, "timeframe_data": {"1h": candles}})
    assert (answer["model_version"], answer["forecast"], answer["source"]) == (None, None, "technical")
    assert "no model was in production for BTCUSDT 1h at" in answer["forecast_note"]


def test_nothing_of_a_replay_is_kept(make_client: MakeClient) -> None:
    client, candles = make_client(), hours(200)
    posted(client, "/ai/replay", {"symbol": "BTCUSDT", "as_of": now_ms(), "timeframe_data": {"1h": candles}})
    assert client.get("/ai/ledger").json()["entries"] == []
    statistics = client.get("/ai/storage/stats").json()
    assert statistics["total_analyses"] == 0


def test_a_synthetic_market_is_replayed_and_says_so(make_client: MakeClient) -> None:
    client = make_client()
    as_of = now_ms() - 30 * 24 * HOUR
    answer = posted(client, "/ai/replay", {"symbol": "BTCUSDT", "as_of": as_of})
    assert answer["source_data"] == "synthetic"
    again = posted(client, "/ai/replay", {"symbol": "BTCUSDT", "as_of": as_of})
    assert {name: answer[name] for name in SAME} == {name: again[name] for name in SAME}


def test_a_market_with_stored_candles_is_never_invented(make_client: MakeClient) -> None:
    client, body = make_client(), shape_a(**UP)
    posted(client, "/ai/analyze", body)
    as_of = body["timeframe_data"]["1h"][0]["timestamp"] - 90 * 24 * HOUR
    response = client.post("/ai/replay", json={"symbol": "ETHUSDT", "as_of": as_of})
    assert response.status_code == 400
    assert f"had closed by as_of {as_of}" in response.json()["detail"]


def test_what_cannot_be_replayed_is_refused_with_the_reason(make_client: MakeClient) -> None:
    client = make_client()
    for change, status, words in (
        ({"symbol": "NOSUCHUSDT"}, 404, "no source knows NOSUCHUSDT"),
        ({"as_of": 4_000_000_000_000}, 422, "is after the server's clock"),
        ({"as_of": 1_500_000_000_000, "timeframe_data": {"1h": hours(70)}}, 422, "is before the first candle closes"),
        ({"timeframe_data": {"1h": []}}, 422, "as_of needs the candles of its time"),
        ({"timeframe_data": {"1h": hours(20)}, "as_of": now_ms()}, 400, "needs 60 closed candles"),
    ):
        body = {"symbol": "BTCUSDT", "as_of": now_ms() - 24 * HOUR} | change
        response = client.post("/ai/replay", json=body)
        assert response.status_code == status, response.text
        assert words in response.json()["detail"]
