"""Models in production are trained anew by a running service, through its own queue."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from container import Container
from domain.errors import InsufficientData
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.market import Timeframe
from models.registry.metadata import TrainingRange
from models.registry.registries import USUAL, RegistryKey
from models.registry.registry import Registry
from models.registry.shadowing import begin_shadow
from services.training.parameters import TrainingParameters
from services.training.retraining import Retraining
from storage.document_ports import JOB_ORDERS
from tasks.jobs import train
from tests.fixtures.bodies import base_path, now_ms, shape_b, wire_candles
from tests.fixtures.containers import container_of
from tests.fixtures.forecasting import add_fitted, put_in_production
from tests.fixtures.models import NOON
from tests.fixtures.plan_models import PLAN_DATA, serve_plan_model

pytest_plugins = ["tests.fixtures.operators", "tests.fixtures.registry"]

HOUR_MS = Timeframe.H1.ms


def trained_until(hours_ago: float) -> TrainingRange:
    last_ms = now_ms() // HOUR_MS * HOUR_MS - int(hours_ago * HOUR_MS)
    return TrainingRange(first_ms=0, last_ms=last_ms, candles=5_000, training_windows=3_000, validation_windows=500)


def post_candles(client: TestClient, symbol: str = "BTCUSDT") -> None:
    """Post 400 candles of an hour, which the service keeps."""
    candles = wire_candles(base_path(count=1_604).resample(Timeframe.H1), 400)
    body = shape_b() | {"symbol": symbol, "timeframe_data": {"1h": candles}, "current_price": candles[-1]["close"]}
    assert client.post("/ai/analyze", json=body).status_code == 200


def retrain(client: TestClient, *, full: bool = False, **settings: Any) -> dict[str, Any]:
    """Train what needs it, by default of the usual horizon and of plans alone."""
    container = container_of(client)
    drifting = settings.pop("drifting", container.reviews.retraining._drifting)
    models = container.base.settings.models.model_copy(update={"further_horizons_candles": (), **settings})
    changed = container.base.settings.model_copy(update={"models": models})
    work, clock = container.work, container.base.clock
    retraining = Retraining(container.models.admin, work.training, work.jobs, drifting, changed, clock)
    assert client.portal is not None
    found: dict[str, Any] = client.portal.call(partial(retraining.retrain_if_needed, full=full))
    return found


def test_an_old_model_is_trained_once_however_often_one_looks(operator: TestClient, registry: Registry) -> None:
    put_in_production(registry, ModelType.LOGISTIC, data=trained_until(100))
    post_candles(operator)
    (submitted,) = retrain(operator)["submitted"]
    assert (submitted["symbol"], submitted["timeframe"], submitted["model_type"]) == ("BTCUSDT", "1h", "logistic")
    assert submitted["reason"] == "age"
    job = operator.get(f"/jobs/{submitted['job_id']}").json()
    assert (job["kind"], job["parameters"]["model_type"]) == ("train", "logistic")
    assert job["parameters"]["shadow"] is True
    again = retrain(operator, full=True)
    assert again["submitted"] == []
    assert again["skipped"][0]["why"] == f"its training is under way: job {submitted['job_id']}"


def test_a_market_whose_candidate_shadows_is_not_trained_anew(operator: TestClient, registry: Registry) -> None:
    put_in_production(registry, ModelType.LOGISTIC, data=trained_until(100))
    candidate = add_fitted(registry, ModelType.LOGISTIC, data=trained_until(100)).version
    assert begin_shadow(registry, candidate, "better", NOON)
    post_candles(operator)
    found = retrain(operator)
    assert found["submitted"] == []
    assert found["skipped"][0]["why"] == f"its candidate {candidate} shadows it, and is not decided"


def test_without_enough_new_candles_nothing_is_trained_and_the_numbers_are_said(
    operator: TestClient, registry: Registry
) -> None:
    put_in_production(registry, ModelType.LOGISTIC, data=trained_until(10))
    post_candles(operator)
    found = retrain(operator)
    assert found["submitted"] == []
    assert found["skipped"][0]["why"].endswith(
        "candles of BTCUSDT 1h have closed since the training before, 24 are needed"
    )


def test_a_market_without_candles_and_a_pooled_model_are_left_out_with_the_reason(
    operator: TestClient, registry: Registry
) -> None:
    put_in_production(registry, ModelType.LOGISTIC, symbol="SOLUSDT", data=trained_until(100))
    earlier = put_in_production(registry, ModelType.LSTM, symbol=ANY_SYMBOL, data=trained_until(100))
    whys = {market["symbol"]: market["why"] for market in retrain(operator)["skipped"]}
    assert (
        whys[ANY_SYMBOL] == f"{earlier} does not tell the markets that it was trained on: train it once by cli.py train"
    )
    assert "training needs" in whys["SOLUSDT"]


def pooled(registry: Registry, container: Container, hours_ago: float = 100, **training: Any) -> str:
    """Put a model of two markets into production that was trained with other settings than those of the service."""
    models = container.base.settings.models.model_dump(mode="json")
    models["training"] |= training
    # Of releases before this one, which versions of every type have kept.
    models["logistic_inverse_regularization"] = 0.001
    settings = {"models": models, "features": container.base.settings.features.model_dump(mode="json")}
    data = trained_until(hours_ago).model_copy(update={"markets": ("BTCUSDT", "ETHUSDT")})
    return put_in_production(registry, ModelType.LOGISTIC, symbol=ANY_SYMBOL, data=data, settings=settings)


def test_a_pooled_model_is_trained_again_on_its_markets_and_with_its_settings(
    operator: TestClient, registry: Registry
) -> None:
    container = container_of(operator)
    pooled(registry, container, seed=77)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        post_candles(operator, symbol)
    (submitted,) = retrain(operator)["submitted"]
    assert (submitted["symbol"], submitted["reason"]) == (ANY_SYMBOL, "age")
    assert operator.portal is not None
    document = operator.portal.call(container.base.stores.documents.get, JOB_ORDERS, submitted["job_id"])
    assert document is not None
    order = TrainingParameters.model_validate(document["parameters"])
    assert (order.symbol, order.model_type, order.models.training.seed) == (ANY_SYMBOL, ModelType.LOGISTIC, 77)
    assert [(market.symbol, len(market.series)) for market in order.pool] == [("BTCUSDT", 400), ("ETHUSDT", 400)]
    assert order.candles == ()
    again = retrain(operator)
    assert again["skipped"][0]["why"] == f"its training is under way: job {submitted['job_id']}"


@pytest.mark.parametrize("cause", ["drift", "self_analysis"])
def test_drift_and_advice_train_a_pooled_model_too(operator: TestClient, registry: Registry, cause: str) -> None:
    version = pooled(registry, container_of(operator))
    for symbol in ("BTCUSDT", "ETHUSDT"):
        post_candles(operator, symbol)
    if cause == "drift":
        found = retrain(operator, drifting=lambda: {(USUAL, version): "it drifts"}, retrain_interval_hours=1_000_000)
    else:
        assert operator.portal is not None
        found = operator.portal.call(container_of(operator).reviews.retraining.because, "advised")
    assert [(training["symbol"], training["reason"]) for training in found["submitted"]] == [(ANY_SYMBOL, cause)]


def test_a_pooled_model_waits_for_a_market_without_candles_and_for_new_ones(
    operator: TestClient, registry: Registry
) -> None:
    pooled(registry, container_of(operator), hours_ago=10)
    post_candles(operator, "BTCUSDT")
    assert "ETHUSDT" in retrain(operator)["skipped"][0]["why"]
    post_candles(operator, "ETHUSDT")
    assert retrain(operator)["skipped"][0]["why"].endswith(
        "candles of * 1h have closed since the training before, 24 are needed"
    )


def test_drift_and_the_advice_of_the_self_analysis_train_a_young_model(
    operator: TestClient, registry: Registry
) -> None:
    version = put_in_production(registry, ModelType.LOGISTIC, data=trained_until(100))
    post_candles(operator)

    def drifting() -> dict[tuple[RegistryKey, str], str]:
        return {(USUAL, version): "its calibration drifts"}

    (submitted,) = retrain(operator, drifting=drifting, retrain_interval_hours=1_000_000)["submitted"]
    assert (submitted["reason"], submitted["text"]) == ("drift", "its calibration drifts")
    operator.delete(f"/jobs/{submitted['job_id']}")
    assert operator.portal is not None
    advised = operator.portal.call(container_of(operator).reviews.retraining.because, "advised")
    assert [training["reason"] for training in advised["submitted"]] == ["self_analysis"]


def test_auto_retrain_off_trains_nothing(operator: TestClient, registry: Registry) -> None:
    put_in_production(registry, ModelType.LOGISTIC, data=trained_until(100))
    post_candles(operator)
    found = retrain(operator, full=True, auto_retrain=False)
    assert found == {"auto_retrain": False, "full": True, "submitted": [], "skipped": []}


def test_a_candidate_that_did_not_pass_the_gate_counts_as_the_newest_training(
    operator: TestClient, registry: Registry
) -> None:
    from datetime import UTC, datetime

    from tests.fixtures.models import add_model

    put_in_production(registry, ModelType.LOGISTIC, data=trained_until(100))
    add_model(registry, ModelType.LOGISTIC, created_at=datetime.now(UTC), data=trained_until(1))
    post_candles(operator)
    assert retrain(operator)["submitted"] == []


@pytest.mark.parametrize("form", ["file", "environment"])
def test_backup_count_is_another_name_of_keep_versions(tmp_path: Path, form: str) -> None:
    from config.sources import load_settings

    environment = {"MODELS__BACKUP_COUNT": "3"}
    if form == "file":
        own = tmp_path / "own.yaml"
        own.write_text("models:\n  backup_count: 3\n  auto_retrain: off\n")
        environment = {"CONFIG_FILE": str(own)}
    assert load_settings(environment=environment).models.keep_versions == 3


def test_where_nothing_serves_one_model_of_all_configured_symbols_is_trained(
    operator: TestClient, registry: Registry
) -> None:
    container = container_of(operator)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        post_candles(operator, symbol)
    (submitted,) = retrain(operator)["submitted"]
    assert (submitted["symbol"], submitted["timeframe"], submitted["reason"]) == (ANY_SYMBOL, "1h", "first")
    assert operator.portal is not None
    document = operator.portal.call(container.base.stores.documents.get, JOB_ORDERS, submitted["job_id"])
    assert document is not None
    order = TrainingParameters.model_validate(document["parameters"])
    assert (order.symbol, order.model_type) == (ANY_SYMBOL, container.base.settings.models.default_type)
    # Of the other configured symbols nobody has candles.
    assert [(market.symbol, len(market.series)) for market in order.pool] == [("BTCUSDT", 400), ("ETHUSDT", 400)]
    assert set(container.base.settings.analysis.symbols) > {"BTCUSDT", "ETHUSDT"}
    again = retrain(operator)
    assert again["skipped"][0]["why"] == f"its training is under way: job {submitted['job_id']}"


def test_without_any_candles_the_first_training_is_left_out_with_the_reason(operator: TestClient) -> None:
    found = retrain(operator)
    assert found["submitted"] == []
    (skipped,) = found["skipped"]
    assert (skipped["symbol"], skipped["reason"]) == (ANY_SYMBOL, "first")
    assert "training needs" in skipped["why"]


def test_a_first_training_that_did_not_pass_is_repeated_when_it_is_due(
    operator: TestClient, registry: Registry
) -> None:
    from datetime import UTC, datetime

    post_candles(operator)
    now = datetime.now(UTC)
    add_fitted(registry, ModelType.LOGISTIC, symbol=ANY_SYMBOL, created_at=now, data=trained_until(30))
    assert retrain(operator) == {"auto_retrain": True, "full": False, "submitted": [], "skipped": []}
    assert len(retrain(operator, retrain_interval_hours=1e-9)["submitted"]) == 1


def order_of(client: TestClient, job_id: str) -> TrainingParameters:
    assert client.portal is not None
    document = client.portal.call(container_of(client).base.stores.documents.get, JOB_ORDERS, job_id)
    assert document is not None
    return TrainingParameters.model_validate(document["parameters"])


def test_each_horizon_of_the_configuration_is_trained_as_the_usual_one(
    operator: TestClient, registry: Registry
) -> None:
    four = Registry(registry.root / "horizons" / "4")
    put_in_production(registry, ModelType.LOGISTIC, data=trained_until(100))
    put_in_production(four, ModelType.LOGISTIC, data=trained_until(100), horizon_candles=4)
    post_candles(operator)
    found = retrain(operator, further_horizons_candles=(4, 12))["submitted"]
    told = [(one["symbol"], one["reason"], one["target"], one["horizon_candles"]) for one in found]
    assert told == [("BTCUSDT", "age", "close", None), ("BTCUSDT", "age", "close", 4), ("*", "first", "close", 12)]
    orders = [order_of(operator, one["job_id"]) for one in found]
    assert [order.features.horizon_candles for order in orders] == [1, 4, 12]
    folders = [str(Registry.of(order.models).root.relative_to(registry.root)) for order in orders]
    assert folders == [".", "horizons/4", "horizons/12"]
    assert operator.get(f"/jobs/{found[1]['job_id']}").json()["parameters"]["horizon_candles"] == 4
    again = retrain(operator, further_horizons_candles=(4, 12))
    assert again["submitted"] == []
    under_way = [f"its training is under way: job {one['job_id']}" for one in found]
    assert [one["why"] for one in again["skipped"]] == under_way


@pytest.mark.slow  # imports what trains
def test_what_is_trained_of_a_horizon_stands_in_its_registry(operator: TestClient, registry: Registry) -> None:
    four = Registry(registry.root / "horizons" / "4")
    put_in_production(registry, ModelType.LOGISTIC, data=trained_until(1))
    put_in_production(four, ModelType.LOGISTIC, data=trained_until(100), horizon_candles=4)
    post_candles(operator)
    (submitted,) = retrain(operator, further_horizons_candles=(4,))["submitted"]
    made = train(order_of(operator, submitted["job_id"]).parameters(), lambda _: None)["version"]
    assert four.open(made).metadata.horizon_candles == 4
    assert len(registry.versions().models) == 1


def test_a_plan_model_is_trained_anew_where_one_is_in_production(operator: TestClient, registry: Registry) -> None:
    put_in_production(registry, ModelType.LOGISTIC, data=trained_until(1))
    for symbol in ("BTCUSDT", "ETHUSDT"):
        post_candles(operator, symbol)
    container = container_of(operator)
    models = container.base.settings.models.model_dump(mode="json", exclude={"save_path", "shipped"})
    features = container.base.settings.features.model_copy(update={"horizon_candles": 240, "sequence_length": 1})
    settings = {"models": models, "features": features.model_dump(mode="json")}
    data = PLAN_DATA.model_copy(update={"last_ms": trained_until(100).last_ms})
    serve_plan_model(registry, 0.4, data=data, settings=settings)
    (submitted,) = retrain(operator)["submitted"]
    assert [submitted[key] for key in ("symbol", "reason", "target")] == ["*", "age", "plan"]
    order = order_of(operator, submitted["job_id"])
    assert [market.symbol for market in order.pool] == ["BTCUSDT", "ETHUSDT"]
    assert order.plans is not None
    assert order.plans.evidence is not None
    assert (order.features, order.model_type) == (container.base.settings.features, ModelType.LIGHTGBM)
    assert Registry.of(order.models).root == registry.root / "plans"
    with pytest.raises(InsufficientData, match=r"the rules gave \d+ plans in these candles .*, 667 are needed"):
        train(order.parameters(), lambda _: None)
