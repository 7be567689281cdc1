"""Every metric and label that alerts and dashboards name, held against `/metrics` of a service after its work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from demo.openai_server import FakeOpenAI, serving
from models.registry.registry import Registry
from servers.mongod import Mongod
from tests.fixtures.bodies import shape_a, shape_b
from tests.fixtures.forecasting import put_in_production
from tests.fixtures.monitoring import OWN_LABELS, OWN_METRICS, Exposition, Query, queries
from tests.fixtures.patience import PATIENCE_SECONDS, wait_until
from tests.fixtures.real_servers import running
from tests.fixtures.service import Service, running_service

QUERIES = sorted(queries(), key=lambda query: (query.place, query.text))
# What takes a broker, a day, or a market that has changed; a service declares them, and other tests bring them about.
WITHOUT_SERIES = {
    "celery_queue_length": "tests/e2e/test_celery.py",
    "celery_tasks_failed": "tests/e2e/test_celery.py",
    "celery_tasks_total": "tests/e2e/test_celery.py",
    "celery_worker_pool_size": "tests/e2e/test_celery.py",
    "ai_prediction_accuracy": "tests/integration/test_quality_api.py",
    "ledger_settlements_total": "tests/integration/test_settling.py",
    "model_drift": "tests/integration/test_drift_api.py",
}


@pytest.fixture(scope="module")
def exposition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exposition]:
    """Return the metrics of a service on MongoDB, with an LLM and a model, after a request of each kind."""
    folder, fake = tmp_path_factory.mktemp("monitored"), FakeOpenAI()
    put_in_production(Registry(folder / "models"), symbol="ETHUSDT")
    (data := folder / "mongod").mkdir()
    with (
        running(Mongod(data)) as mongod,
        serving(fake),
        running_service(
            DATABASE_URL=mongod.fresh_url(),
            MODEL_SAVE_PATH=str(folder / "models"),
            OPENAI_API_KEY="sk-of-the-test",
            OPENAI_BASE_URL=fake.url,
            OPENAI_REQUEST_DELAY="0",
            # A stalled machine is no market without candles.
            MARKET_DATA__TIMEOUT_SECONDS=str(PATIENCE_SECONDS),
            STORAGE__TIMEOUT_MS=str(1_000 * PATIENCE_SECONDS),
            PERIODIC_ANALYSIS="true",
            ANALYSIS_SYMBOLS="BTCUSDT",
        ) as service,
    ):
        _work(service)
        yield Exposition(service.get("/metrics").text)


def _work(service: Service) -> None:
    """Ask for everything that makes series."""
    wait_until(lambda: service.get("/health").json()["degraded"] == [])
    answers = [service.post("/ai/analyze", json=shape_a(seed=5, drift=0.35)).json() for _ in range(2)]
    assert [answer["source"] for answer in answers] == ["llm", "llm"]
    forecast = shape_b(count=200)
    del forecast["strategy_context"]
    assert service.post("/ai/predict", json=forecast).status_code == 200
    # without a model of this symbol
    assert service.post("/ai/predict", json=forecast | {"symbol": "SOLUSDT"}).status_code == 503
    with connect(service.socket_url) as socket:
        socket.recv()
    with pytest.raises(InvalidStatus), connect(service.socket_url, origin=Origin("https://elsewhere.example")):
        pass
    wait_until(lambda: service.get("/health").json()["last_cycle"] is not None)
    wait_until(lambda: "\nledger_waiting " in service.get("/metrics").text)


def is_known(exposition: Exposition, query: Query) -> Iterator[str]:
    """Yield what a query names and the service does not give."""
    labels = set(OWN_LABELS)
    for selector in query.selectors:
        metric = selector.metric
        if metric in OWN_METRICS:
            labels |= {"alertname", "severity", "alertstate"}
            continue
        if metric not in exposition.names:
            yield f"{metric} is no metric"
            continue
        found = exposition.labels(metric) if metric in exposition.series else _declared(metric)
        labels |= found
        if missing := {label for label, _, _ in selector.own} - found:
            yield f"{metric} has no label {missing}"
        elif selector.own and not any(map(selector.takes, exposition.series[metric])):
            yield f"no series of {metric} passes {selector.own}"
    if unknown := (query.groups | set(query.legend)) - labels:
        yield f"no metric has the labels {unknown}"


def _declared(metric: str) -> set[str]:
    assert metric in WITHOUT_SERIES, f"{metric} has no series here"
    collector = REGISTRY._names_to_collectors.get(metric)
    return set(getattr(collector, "_labelnames", ()))


@pytest.mark.realserver
@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.place)
def test_metrics_and_labels_of_a_query_are_there(exposition: Exposition, query: Query) -> None:
    assert list(is_known(exposition, query)) == []


@pytest.mark.realserver
def test_only_known_metrics_have_no_series_here(exposition: Exposition) -> None:
    named = {selector.metric for query in QUERIES for selector in query.selectors} - OWN_METRICS
    assert {metric for metric in named if metric not in exposition.series} == WITHOUT_SERIES.keys()


@pytest.mark.realserver
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rate(no_such_total[5m])", "no_such_total is no metric"),
        ('api_requests_total{code="200"}', "api_requests_total has no label {'code'}"),
        ('mongodb_operations_total{outcome="refused"}', "no series of mongodb_operations_total passes"),
        ("sum by (symbol) (rate(ai_analysis_total[5m]))", "no metric has the labels {'symbol'}"),
    ],
)
def test_what_is_not_there_is_found(exposition: Exposition, text: str, said: str) -> None:
    (problem,) = is_known(exposition, Query("test", text))
    assert problem.startswith(said)
