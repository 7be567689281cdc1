"""A model on its whole way: trained by a job, beside the one in production, promoted, announced, seen by replicas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from container.infrastructure import open_infrastructure
from domain.hours.sessions import AROUND_THE_CLOCK
from domain.market import CandleSeries, Timeframe
from domain.values import epoch_ms
from tests.conftest import MakeClient
from tests.fixtures.bodies import shape_b, wire_candles
from tests.fixtures.clocks import SettableClock
from tests.fixtures.containers import container_of
from tests.fixtures.patience import ended
from tests.fixtures.planted_market import repeating_market, reversal_market
from utils.clock import SystemClock

pytestmark = pytest.mark.slow

SYMBOL, HOUR_MS = "BTCUSDT", Timeframe.H1.ms
# Candles in which moves repeat, then those in which they turn, and hours that the candidate shadows.
BEFORE, AFTER, SHADOWED = 1_200, 1_200, 40
START = BEFORE + AFTER
POSTED = 400
MODELS: dict[str, Any] = {
    "further_horizons_candles": [],
    "shadow_forecasts": SHADOWED,
    "shadow_margin": 0.2,
    # On a planted market much is found.
    "evaluation": {"folds": 1, "suspicious_accuracy": 1.0, "suspicious_auc": 1.0},
    "serving": {"reload_seconds": 0.1},
}


def changing_market(closed_ms: int, more: int) -> CandleSeries:
    """Return candles whose moves mostly repeat and later mostly turn, the newest ones after a moment."""
    parts = repeating_market(BEFORE, 0.9, seed=3), reversal_market(AFTER + more, 0.9, seed=4)
    values = np.array([[c.open, c.high, c.low, c.close, c.volume] for part in parts for c in part.candles])
    values[BEFORE:, :4] *= values[BEFORE - 1, 3] / values[BEFORE, 0]
    times_ms = closed_ms // HOUR_MS * HOUR_MS + HOUR_MS * np.arange(-START, more)
    return CandleSeries.of_arrays(Timeframe.H1, times_ms, values).of_market(AROUND_THE_CLOCK)


def forecast(client: TestClient, path: str, market: CandleSeries, closed: int, count: int = POSTED) -> dict[str, Any]:
    """Post the newest candles of those that have closed, and return the answer."""
    candles = wire_candles(market, len(market))[closed - count : closed]
    body = shape_b() | {"symbol": SYMBOL, "timeframe_data": {"1h": candles}, "current_price": candles[-1]["close"]}
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def run(client: TestClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a job that ends well."""
    answer = client.post(path, json=body)
    assert answer.status_code == 202, answer.text
    return finished(client, answer.json()["job_id"])


def finished(client: TestClient, job_id: str) -> dict[str, Any]:
    job = ended(client, job_id)
    assert job["status"] == "succeeded", job
    result: dict[str, Any] = job["result"]
    return result


def serving_version(client: TestClient) -> str:
    """Return the version in production as the registry's routes show it."""
    (version,) = [one["version"] for one in client.get("/ai/models").json()["models"] if one["alias"] == "production"]
    return str(version)


def test_a_candidate_replaces_the_model_in_production_once_its_forecasts_have_settled(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SettableClock(SystemClock().now())
    monkeypatch.setattr(
        "container.building.open_infrastructure", lambda settings, logs, _: open_infrastructure(settings, logs, clock)
    )
    market = changing_market(epoch_ms(clock.now()), SHADOWED + 2)
    client, other = (make_client(models=MODELS) for _ in range(2))

    candles = wire_candles(market, len(market))[:BEFORE]
    first = run(client, "/train", {"symbol": SYMBOL, "model_type": "logistic", "candles": candles})
    assert first["promoted"], first["reasons"]

    # The market has changed: what is trained of its newest candles is better than what serves.
    forecast(client, "/ai/analyze", market, START, AFTER)
    (submitted,) = run(client, "/jobs/retrain_if_needed", {"full": True})["submitted"]
    second = finished(client, submitted["job_id"])
    assert (second["promoted"], second["shadow"]) == (False, second["version"])
    assert serving_version(client) == serving_version(other) == first["version"]

    with client.websocket_connect("/ws") as socket:
        # It counts from the second hour: it was trained after the clock of this test had stopped.
        for hour in range(SHADOWED + 1):
            answer = forecast(client, "/ai/analyze", market, START + hour)
            assert answer["forecast"]["model_version"] == first["version"]
            clock.advance(3600)
        forecast(client, "/ai/analyze", market, START + SHADOWED + 1)
        run(client, "/jobs/settle", {})
        assert client.get(f"/ai/models/{second['version']}").json()["shadow"]["settled"] == SHADOWED
        assert client.portal is not None
        client.portal.call(container_of(client).models.shadowing.look)
        while (event := socket.receive_json())["type"] != "ModelShadow" or event["data"]["state"] == "shadowing":
            pass
    told = event["data"]
    assert (told["version"], told["state"], told["settled"]) == (second["version"], "promoted", SHADOWED)
    for replica in (client, other):
        assert serving_version(replica) == second["version"]
        answer = forecast(replica, "/ai/predict", market, START + SHADOWED + 1)
        assert answer["model_version"] == second["version"]
