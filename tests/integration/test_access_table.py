"""Who may do what: every route of the OpenAPI document, asked by a stranger, a client and an admin."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from api.app import create_app
from tests.conftest import ADMIN_TOKEN, LOOPBACK, STRANGER, MakeClient, MakeSettings

ADMIN, CLIENT, OTHER = "key-of-the-admin", "key-of-a-client", "key-of-another"

# Open to everybody, whatever is configured.
OPEN = {"GET /", "GET /health", "GET /livez", "GET /readyz"}
# Open until the socket needs a token.
LISTENERS = {"GET /ai/signals"}
# Open until client tokens are configured.
CLIENTS = {
    "POST /ai/analyze",
    "POST /analyze",
    "POST /api/v1/analyze",
    "GET /ai/signals",
    "POST /ai/signals",
    "POST /ai/replay",
    "POST /ai/predict",
    "POST /api/v1/predict",
    "POST /predict-trend",
    "POST /ai/analyze-trade",
    "POST /ai/strategy-recommendations",
    "POST /ai/market-condition",
    "POST /ai/feedback",
    "GET /ai/health/market-condition",
    "GET /ai/performance",
    "GET /ai/signal-quality",
    "GET /ai/track-record",
    "GET /ai/track-record.svg",
    "GET /ai/calibration.svg",
    "GET /ai/lanes",
    "GET /ai/evidence",
    "GET /ai/ledger",
    "GET /ai/ledger/parity",
    "GET /ai/ledger/days",
    "GET /ai/ledger/export",
    "GET /ai/ledger/{entry_id}",
    "GET /ai/ledger/{entry_id}/proof",
    "GET /ai/config-suggestions",
    "GET /ai/gpt4-analysis-history",
    "GET /ai/info",
    "GET /ai/strategies",
    "GET /ai/strategies/records",
    "GET /ai/cost/statistics",
    "GET /ai/storage/stats",
    "GET /ai/safe-mode",
    "GET /ai/disabled",
    "GET /ai/schedule",
    "GET /ai/candles/{symbol}",
    "POST /ai/candles/read",
    "GET /ai/analyses",
    "GET /ai/models",
    "GET /ai/models/drift",
    "GET /ai/models/{version}",
    "GET /ai/models/{version}/card",
    "GET /model/info",
    "GET /config",
    "GET /metrics",
    "POST /api/v1/ml/predict/price",
    "POST /api/v1/ml/predict/signal",
    "POST /api/v1/ml/predict/comprehensive",
    "GET /api/v1/ml/models",
    "GET /api/v1/ml/cache/stats",
    "GET /api/v1/ml/disclaimer",
}
ADMINS = {
    "GET /ai/log",
    "GET /jobs",
    "GET /jobs/{job_id}",
    "POST /jobs/{job_id}/retry",
    "POST /jobs/train",
    "POST /jobs/bias_lookahead",
    "POST /jobs/bias_recursive",
    "POST /jobs/bulk_analysis",
    "POST /jobs/download_candles",
    "POST /jobs/drill",
    "POST /jobs/settle",
    "POST /jobs/parity",
    "POST /jobs/retention",
    "POST /jobs/cleanup_models",
    "POST /jobs/retrain_if_needed",
    "POST /jobs/recalibrate",
    "POST /jobs/self_analysis",
    "POST /jobs/health_check",
    "POST /jobs/portfolio_report",
    "POST /jobs/cost_report",
    "POST /jobs/performance_analysis",
    "DELETE /jobs/{job_id}",
    "POST /jobs/backtest",
    "POST /jobs/optimise",
    "POST /jobs/evaluate",
    "POST /jobs/evidence",
    "GET /debug/gpt4",
    "POST /ai/train",
    "POST /ai/bias/lookahead",
    "POST /ai/bias/recursive",
    "POST /train",
    "POST /ai/models/rollback",
    "POST /ai/models/{version}/promote",
    "POST /model/load",
    "POST /model/save",
    "DELETE /model/cleanup",
    "POST /ai/storage/clear",
    "POST /ai/safe-mode",
    "GET /ai/reports",
    "GET /ai/reports/{report_id}",
    "GET /ai/notices",
    "GET /ai/webhooks/dead-letters",
    "POST /ai/webhooks/dead-letters/{delivery_id}/retry",
    "POST /ai/disabled/{name}",
    "POST /ai/config-suggestions/{suggestion_id}",
    "DELETE /ai/storage/candles/{symbol}",
    "POST /ai/config-analysis/trigger",
    "POST /api/v1/ml/train",
    "DELETE /api/v1/ml/cache/{ticker}",
}
# Served under another path too, undocumented there; the last of them refuses every kind that is none.
MIRRORS = {
    "POST /jobs/{kind}": "POST /jobs/settle",
    "GET /api/ai/signal-quality": "GET /ai/signal-quality",
    "GET /api/v1/health": "GET /health",
    "GET /web/{name:path}": "GET /",
    "HEAD /web/{name:path}": "GET /",
    "GET /api/v1/config": "GET /config",
    "GET /api/v1/jobs": "GET /jobs",
    "GET /api/v1/jobs/{job_id}": "GET /jobs/{job_id}",
    "DELETE /api/v1/jobs/{job_id}": "DELETE /jobs/{job_id}",
    "POST /api/v1/jobs/{job_id}/retry": "POST /jobs/{job_id}/retry",
    "POST /api/v1/jobs/backtest": "POST /jobs/backtest",
    "POST /api/v1/jobs/optimise": "POST /jobs/optimise",
    "GET /api/v1/model/info": "GET /model/info",
    "POST /api/v1/model/load": "POST /model/load",
    "POST /api/v1/model/save": "POST /model/save",
    "DELETE /api/v1/model/cleanup": "DELETE /model/cleanup",
    "POST /api/v1/train": "POST /train",
    "POST /model/train": "POST /train",
    "POST /api/v1/model/train": "POST /train",
    "HEAD /": "GET /",
    "HEAD /health": "GET /health",
    "HEAD /api/v1/health": "GET /health",
    "HEAD /livez": "GET /livez",
    "HEAD /readyz": "GET /readyz",
    "HEAD /metrics": "GET /metrics",
}
DOCUMENTATION = ("/openapi.json", "/docs", "/docs/oauth2-redirect")
PARAMETERS = {
    "{version}": "lstm_model_20260131_120000",
    "{job_id}": "0" * 32,
    "{report_id}": "0" * 32,
    "{delivery_id}": "0" * 32,
    "{ticker}": "BTCUSDT",
    "{symbol}": "BTCUSDT",
    "{name:path}": "styles/page.css",
}
ALL = sorted(OPEN | CLIENTS | ADMINS)
REFUSED = {401, 403}


def status(client: TestClient, operation: str, token: str | None = None) -> int:
    """Return how a route answers an empty body: past the door that is mostly a 422."""
    method, path = operation.split(" ")
    for name, value in PARAMETERS.items():
        path = path.replace(name, value)
    if token is None:
        client.headers.pop("authorization", None)
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    body: dict[str, Any] = {} if method in {"GET", "HEAD"} else {"json": {}}
    answer = client.request(method, path, headers=headers, **body)
    assert answer.status_code not in REFUSED or answer.headers["content-type"] == "application/problem+json"
    return answer.status_code


def passes(client: TestClient, operation: str, token: str | None = None) -> bool:
    answer = status(client, operation, token)
    assert answer < 500 or answer == 503
    assert answer not in {405, 429}
    return answer not in REFUSED


def plain(operation: str) -> str:
    """Return the name under which an operation is in the table."""
    return MIRRORS.get(operation, operation)


@pytest.fixture
def tokens() -> dict[str, Any]:
    """Return the settings of a service on which everything has a token."""
    return {
        "access": {"admin_token": ADMIN, "client_tokens": [OTHER, CLIENT]},
        "rate_limits": {"enabled": False},
    }


def test_the_table_has_every_route_once_and_admins_are_told_of_in_the_document(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    documented = {f"{method.upper()} {path}": asked for path, by in paths.items() for method, asked in by.items()}
    assert sorted(documented) == ALL
    assert len(ALL) == len(OPEN) + len(CLIENTS) + len(ADMINS)
    assert {operation for operation, asked in documented.items() if asked.get("security") == [{"admin": []}]} == ADMINS


def test_no_route_is_served_that_is_in_neither_table(make_settings: MakeSettings) -> None:
    """Also those that the document does not name; the socket and the files of /docs have no method."""
    served, routes = set[str](), list[Any](create_app(make_settings()).routes)
    for route in routes:
        for context in route.effective_route_contexts() if hasattr(route, "effective_route_contexts") else [route]:
            served |= {f"{method} {context.path}" for method in getattr(context, "methods", None) or ()}
    documentation = {f"{method} {path}" for method in ("GET", "HEAD") for path in DOCUMENTATION}
    assert served - documentation == {*ALL, *MIRRORS}


def test_with_tokens_each_gets_what_the_table_says(make_client: MakeClient, tokens: dict[str, Any]) -> None:
    client = make_client(STRANGER, **tokens)
    for operation in [*ALL, *MIRRORS]:
        allowed = plain(operation)
        wrong = [token for token in (None, "wrong", "") if passes(client, operation, token) != (allowed in OPEN)]
        assert not wrong, f"{operation} to a stranger with the tokens {wrong}"
        for token in (CLIENT, OTHER):
            assert passes(client, operation, token) == (allowed in OPEN | CLIENTS), f"{operation} to a client"
        assert passes(client, operation, ADMIN), f"{operation} to the admin"


@pytest.mark.parametrize("address", [STRANGER, LOOPBACK])
def test_without_clients_tokens_all_but_the_admins_routes_are_open(
    make_client: MakeClient, address: tuple[str, int]
) -> None:
    client = make_client(address, rate_limits={"enabled": False})
    for operation in [*ALL, *MIRRORS]:
        for token in (None, "whatever"):
            assert passes(client, operation, token) == (plain(operation) not in ADMINS), operation
        assert passes(client, operation, ADMIN_TOKEN), operation


def test_loopback_is_the_admin_only_where_the_config_says_so(make_client: MakeClient) -> None:
    settings = {"access": {"loopback_admin": True}, "rate_limits": {"enabled": False}}
    local, stranger = make_client(LOOPBACK, **settings), make_client(STRANGER, **settings)
    for operation in [*ALL, *MIRRORS]:
        assert passes(local, operation), operation
        assert passes(stranger, operation) == (plain(operation) not in ADMINS), operation
    proxied = local.get("/jobs", headers={"via": "1.1 proxy"})
    assert (proxied.status_code, proxied.headers["www-authenticate"]) == (401, "Bearer")
    assert local.get("/jobs", headers={"host": "evil.example"}).status_code == 401


def test_without_any_admin_token_no_caller_is_admin(make_client: MakeClient) -> None:
    client = make_client(access={"admin_token": None})
    for operation in ADMINS:
        assert status(client, operation) == 401, operation
        assert status(client, operation, "") == 401, operation


def test_a_trusted_network_needs_no_clients_token_but_the_admins(
    make_client: MakeClient, tokens: dict[str, Any]
) -> None:
    client = make_client(LOOPBACK, **tokens)
    for operation in [*ALL, *MIRRORS]:
        assert passes(client, operation) == (plain(operation) not in ADMINS), operation
    assert client.get("/ai/info", headers={"x-forwarded-for": "203.0.113.9"}).status_code == 401
    assert client.get("/ai/info", headers={"host": "evil.example"}).status_code == 401


def test_a_clients_token_opens_no_admins_route(make_client: MakeClient) -> None:
    stranger = make_client(STRANGER, access={"client_tokens": [CLIENT]})
    assert stranger.get("/jobs", headers={"authorization": f"Bearer {CLIENT}"}).status_code == 401
    assert stranger.get("/ai/info", headers={"authorization": f"Bearer {CLIENT}"}).status_code == 200


def test_a_refusal_is_a_problem_that_a_dashboard_may_read(make_client: MakeClient, tokens: dict[str, Any]) -> None:
    client = make_client(STRANGER, **tokens)
    refused = client.get("/ai/info", headers={"origin": "http://localhost:3000"})
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert refused.json()["request_id"] == refused.headers["x-request-id"]
    assert all(token not in refused.text for token in (ADMIN, CLIENT, OTHER))
    asked = {"origin": "http://localhost:3000", "access-control-request-method": "POST"}
    assert client.options("/ai/analyze", headers=asked).status_code == 200
    assert client.get("/nowhere").status_code == 401
    document = client.get("/openapi.json").json()["paths"]
    assert document["/ai/info"]["get"]["security"] == [{"client": []}]
    assert "401" in document["/ai/info"]["get"]["responses"]
    assert "security" not in document["/health"]["get"]
    assert client.get("/docs").status_code == 200


def test_the_document_has_the_refusals_of_each_route(client: TestClient) -> None:
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for method, asked in operations.items():
            operation, statuses = f"{method.upper()} {path}", set(asked["responses"])
            assert (operation in ADMINS | LISTENERS) == ("401" in statuses), operation
            assert operation not in ADMINS or "403" in statuses, operation
            assert ("requestBody" in asked) == ({"413", "415"} <= statuses), operation
            assert ("422" in statuses) == ("requestBody" in asked or "parameters" in asked), operation
            assert ("429" in statuses) == (operation not in OPEN - {"GET /"}), operation


def test_a_limit_counts_before_the_admin_is_asked_for_and_both_before_the_body_is_read(
    make_client: MakeClient,
) -> None:
    stranger = make_client(STRANGER, rate_limits=dict.fromkeys(("default", "debug"), "2/minute"))
    admin = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    assert stranger.post("/train", content=b"no json").status_code == 401
    assert stranger.post("/train", content=b"no json", headers=admin).status_code == 415
    assert stranger.post("/train", content=b"no json").status_code == 429
    assert stranger.post("/train", content=b"no json", headers=admin).status_code == 429


def test_a_refused_caller_does_not_learn_what_is_wrong_with_the_parameters(make_client: MakeClient) -> None:
    stranger = make_client(STRANGER)
    assert stranger.get("/jobs", params={"limit": 0}).status_code == 401
    admin = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    assert stranger.get("/jobs", params={"limit": 0}, headers=admin).status_code == 422


@pytest.mark.parametrize(
    ("configured", "address", "token", "enters"),
    [
        ({}, STRANGER, None, True),
        ({"ws": "listen"}, LOOPBACK, None, False),
        ({"ws": "listen"}, STRANGER, "listen", True),
        ({"ws": "listen"}, STRANGER, ADMIN_TOKEN, True),
        ({"ws": "listen", "clients": [CLIENT]}, STRANGER, CLIENT, True),
        ({"ws": "listen", "clients": [CLIENT]}, LOOPBACK, None, False),
        ({"clients": [CLIENT]}, STRANGER, None, False),
        ({"clients": [CLIENT]}, STRANGER, "wrong", False),
        ({"clients": [CLIENT]}, STRANGER, CLIENT, True),
        ({"clients": [CLIENT]}, LOOPBACK, None, True),
    ],
)
def test_the_socket(
    make_client: MakeClient, configured: dict[str, Any], address: tuple[str, int], token: str | None, enters: bool
) -> None:
    client = make_client(
        address,
        websocket={"token": configured.get("ws")},
        access={"client_tokens": configured.get("clients", [])},
    )
    # The client on this machine would send the administrator's.
    headers = {"authorization": f"Bearer {token}" if token else ""}
    if enters:
        with client.websocket_connect("/ws", headers=headers) as socket:
            assert socket.receive_json()["type"] == "connection"
    else:
        with pytest.raises(WebSocketDenialResponse), client.websocket_connect("/ws", headers=headers):
            pass
