"""A service that nobody has trained forecasts coins by the models that come with it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from domain.forecasting import ANY_SYMBOL
from models.registry.registry import Registry
from models.registry.shipped import ShippedVersions
from tests.conftest import MakeClient
from tests.fixtures.answers import posted
from tests.fixtures.bodies import shape_b, shape_c
from tests.fixtures.containers import container_of
from tests.fixtures.degraded import degraded, parts
from tests.fixtures.forecasting import put_in_production
from tests.fixtures.shipped import LAST_MS, make_box

pytest_plugins = ["tests.fixtures.registry", "tests.fixtures.boxed"]

HOUR_MS = 3_600_000


Made = tuple[str, str]


@pytest.fixture
def made(box: Path) -> Made:
    """Return the version in the box that serves 1h, and the simpler one."""
    return make_box(box)


@pytest.fixture
def newcomer(make_client: MakeClient, box: Path, made: Made) -> TestClient:
    """Return a client of a service that has trained nothing and sees a promotion at once."""
    return make_client(models={"shipped": True, "shipped_path": str(box), "serving": {"reload_seconds": 0.0001}})


def test_the_first_analysis_of_a_coin_has_a_forecast_with_its_age_and_verdict(
    made: Made, newcomer: TestClient, registry: Registry
) -> None:
    strong, _ = made
    answer = posted(newcomer, "/ai/analyze", shape_b())
    forecast = answer["forecast"]
    assert (forecast["model_version"], forecast["shipped"], answer["forecast_note"]) == (strong, True, None)
    assert forecast["trained_until"] == LAST_MS + HOUR_MS
    assert forecast["verdict"] in ("better", "not_better", None)
    assert 0 < forecast["probability_up"] < 1
    # It is shown beside the rules, which decide alone.
    assert answer["source"] == "technical"
    assert answer["lanes"]["model"]["probability"] == forecast["probability_up"]
    asked = posted(newcomer, "/ai/predict", shape_b())
    assert asked["probability_up"] == forecast["probability_up"]
    assert [asked[name] for name in ("model_version", "shipped", "trained_until")] == [strong, True, LAST_MS + HOUR_MS]
    trend = posted(newcomer, "/predict-trend", {"symbol": "ETHUSDT", "timeframe": "1h"})
    assert (trend["forecast"]["model_version"], trend["forecast_note"]) == (strong, None)
    assert not registry.root.exists()


@pytest.mark.parametrize("symbol", ["AAPL", "EURUSD"])
def test_what_is_no_coin_has_none_and_the_reason(newcomer: TestClient, symbol: str) -> None:
    answer = posted(newcomer, "/ai/analyze", shape_b() | {"symbol": symbol})
    assert answer["forecast"] is None
    told = (
        f"no model is in production for {symbol} on 1h (those that come with the service know coins alone); train one"
    )
    assert answer["forecast_note"].startswith(told)
    refused = newcomer.post("/ai/predict", json=shape_b() | {"symbol": symbol})
    assert (refused.status_code, refused.json()["detail"].startswith(told)) == (503, True)


def test_a_timeframe_without_one_says_so(newcomer: TestClient) -> None:
    answer = posted(newcomer, "/ai/analyze", shape_b("30m"))
    assert answer["forecast"] is None
    assert answer["forecast_note"].startswith("no model is in production for ETHUSDT on 30m; train one")


def test_the_forecast_stands_in_the_ledger(newcomer: TestClient) -> None:
    answer = posted(newcomer, "/ai/analyze", shape_b())
    entries = newcomer.get("/ai/ledger", params={"lane": "model"}).json()["entries"]
    assert [entry["probability_up"] for entry in entries] == [answer["forecast"]["probability_up"]]


def test_they_are_listed_marked_and_stay_when_old_versions_are_deleted(made: Made, newcomer: TestClient) -> None:
    strong, simple = made
    posted(newcomer, "/ai/analyze", shape_b())
    listed = {model["version"]: model for model in newcomer.get("/ai/models").json()["models"]}
    assert {version: (model["alias"], model["loaded"]) for version, model in listed.items()} == {
        strong: ("production", True),
        simple: (None, False),
    }
    assert all(model["shipped"] for model in listed.values())
    assert datetime.fromisoformat(listed[strong]["trained_until"]) == datetime(2025, 1, 1, tzinfo=UTC)
    deleted = newcomer.request("DELETE", "/model/cleanup", params={"keep_count": 1}).json()
    assert (deleted["deleted_models"], deleted["kept_models"]) == (0, 0)
    assert newcomer.get(f"/ai/models/{simple}").json()["metadata"]["shipped"] is True


def test_a_version_of_ones_own_replaces_it_until_it_is_rolled_back(
    made: Made, newcomer: TestClient, registry: Registry
) -> None:
    strong, _ = made
    assert posted(newcomer, "/ai/predict", shape_b())["model_version"] == strong
    own = put_in_production(registry, symbol=ANY_SYMBOL)
    answer = posted(newcomer, "/ai/predict", shape_b())
    assert (answer["model_version"], answer["shipped"]) == (own, False)
    where = {"symbol": "*", "timeframe": "1h", "reason": "worse"}
    assert posted(newcomer, "/ai/models/rollback", where)["production"] == strong
    assert posted(newcomer, "/ai/predict", shape_b())["model_version"] == strong
    again = newcomer.post("/ai/models/rollback", json=where)
    assert again.status_code == 422
    assert again.json()["detail"].startswith(f"{strong} comes with the service")


def test_a_damaged_one_is_refused_and_named_and_the_service_runs(box: Path, made: Made, newcomer: TestClient) -> None:
    strong, simple = made
    for version in (strong, simple):
        (box / version / "model.onnx").write_bytes(b"damaged on its way")
    answer = posted(newcomer, "/ai/analyze", shape_b())
    assert (answer["forecast"], answer["source"]) == (None, "technical")
    assert answer["forecast_note"] == "the model in production for ETHUSDT 1h cannot be loaded"
    part = degraded(newcomer, "model * 1h")
    assert part["reason"].startswith(f"{strong}: model.onnx is not the file that was written: its SHA-256 differs")
    assert part["remedy"] == "install the service again, or switch them off by models.shipped: false"


@pytest.mark.usefixtures("made")
def test_aliases_that_cannot_be_read_are_named(make_client: MakeClient, box: Path) -> None:
    (box / "aliases.json").write_text("{")
    client = make_client(models={"shipped": True, "shipped_path": str(box)})
    assert posted(client, "/ai/analyze", shape_b())["forecast"] is None
    assert "aliases.json is unusable" in degraded(client, "models")["reason"]


@pytest.mark.usefixtures("made")
def test_health_warns_of_candles_of_long_ago_and_is_healthy(make_client: MakeClient, box: Path) -> None:
    client = make_client(models={"shipped": True, "shipped_path": str(box)})
    (warning,) = client.get("/health").json()["warnings"]
    days = (datetime.now(UTC) - datetime(2025, 1, 1, tzinfo=UTC)).days
    assert warning == (
        "models that come with the service (any market, 1h) were trained on candles up to 2024-12-31, "
        f"{days} days ago: train one on newer candles"
    )
    assert (client.get("/health").json()["status"], parts(client)) == ("healthy", {})


@pytest.mark.usefixtures("made")
def test_switched_off_it_forecasts_nothing(make_client: MakeClient, box: Path) -> None:
    client = make_client(models={"shipped": False, "shipped_path": str(box)})
    answer = posted(client, "/ai/analyze", shape_b())
    assert answer["forecast"] is None
    assert answer["forecast_note"].startswith("no model is in production for ETHUSDT on 1h; train one")
    assert client.get("/health").json()["models"] == {}


def test_a_service_as_it_is_installed_forecasts_the_candles_of_an_engine(make_client: MakeClient) -> None:
    client = make_client(models={"shipped": True})
    if not ShippedVersions.of(container_of(client).base.settings.models).names():
        pytest.skip("models/default is empty: make it by cli.py models build-default")
    forecast = posted(client, "/ai/analyze", shape_b())["forecast"]
    assert (forecast["shipped"], forecast["timeframe"]) == (True, "1h")
    assert forecast["plan"] is not None
    assert posted(client, "/ai/predict", shape_c("BTCUSDT"))["shipped"] is True
