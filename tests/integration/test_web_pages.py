"""Requests that web pages make through a local browser: DNS rebinding, foreign origins, embedding sites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from tests.conftest import ADMIN_TOKEN, LOOPBACK, STRANGER, MakeClient, running_apps, settings_in
from tests.fixtures.bodies import shape_a, shape_c

pytest_plugins = ["tests.fixtures.logs"]

DASHBOARD = "http://localhost:3000"
OWN = "http://127.0.0.1:8000"
# What a browser sends when the name evil.example leads to this machine.
REBOUND = {"host": "evil.example:8000", "origin": "http://evil.example:8000", "sec-fetch-site": "same-origin"}
FOREIGN = {"origin": "https://evil.example"}
OWN_PAGE = {"origin": OWN, "host": "127.0.0.1:8000"}
OPAQUE = {"origin": "null"}


@pytest.mark.parametrize("headers", [REBOUND, FOREIGN, OPAQUE], ids=["rebound", "foreign", "opaque"])
def test_candles_of_a_page_of_another_site_are_a_strangers(make_client: MakeClient, headers: dict[str, str]) -> None:
    client = make_client(rate_limits={"analyze": "1/minute"})
    assert client.post("/ai/analyze", json=shape_a(), headers=headers).status_code == 200
    # The limit of untrusted clients, and the candles answer no other client.
    assert client.post("/ai/analyze", json=shape_a(), headers=headers).status_code == 429
    assert client.post("/ai/analyze", json=shape_c()).json()["source_data"] == "synthetic"
    own = client.post("/ai/analyze", json=shape_a()).json()
    assert own["cached"] is False
    again = client.post("/ai/analyze", json=shape_a(), headers={"origin": DASHBOARD}).json()
    assert again["cached"] is True


@pytest.mark.parametrize("headers", [REBOUND, FOREIGN, OPAQUE], ids=["rebound", "foreign", "opaque"])
@pytest.mark.parametrize("path", ["/ai/analyze", "/ai/signals", "/ai/feedback", "/ai/analyze-trade", "/predict-trend"])
def test_such_a_page_has_the_limit_of_strangers_everywhere(
    make_client: MakeClient, path: str, headers: dict[str, str]
) -> None:
    client = make_client(rate_limits={"analyze": "1/minute", "default": "1/minute"})
    statuses = [client.post(path, json={}, headers=headers).status_code for _ in range(2)]
    assert statuses == [422, 429]
    assert client.post(path, json={}, headers={"origin": OWN}).status_code == 422


@pytest.fixture(scope="module", params=[True, False], ids=["loopback admin", "admin by token"])
def unlimited(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Return a client of a service without limits, for tests that change nothing there."""
    changes = {"access": {"loopback_admin": request.param}, "rate_limits": {"enabled": False}}
    with running_apps() as start:
        yield start(settings_in(tmp_path_factory.mktemp("unlimited"), changes), LOOPBACK)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/debug/gpt4", 200),
        ("GET", "/jobs", 200),
        ("POST", "/ai/storage/clear", 200),
        ("POST", "/ai/analyze", 422),
        ("POST", "/ai/feedback", 422),
        ("POST", "/ai/analyze-trade", 422),
        ("DELETE", "/model/cleanup", 200),
    ],
)
def test_what_changes_or_costs_is_refused_to_other_sites(
    unlimited: TestClient, method: str, path: str, allowed: int, site: str
) -> None:
    for more in ({}, FOREIGN, OPAQUE):
        refused = unlimited.request(method, path, headers={"sec-fetch-site": site, **more})
        assert (refused.status_code, refused.headers["content-type"]) == (403, "application/problem+json")
        assert "another site" in refused.json()["detail"]
    for sent in ({"sec-fetch-site": site, "origin": DASHBOARD}, {"sec-fetch-site": "same-origin", "origin": OWN}, {}):
        body: dict[str, Any] = {} if method == "GET" else {"json": {}}
        assert unlimited.request(method, path, headers=sent, **body).status_code == allowed


def test_reading_is_no_other_sites_harm(client: TestClient) -> None:
    for path in ("/health", "/ai/strategies", "/docs"):
        assert client.get(path, headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_the_documentations_try_it_out_sends_the_token_of_its_authorize_button(make_client: MakeClient) -> None:
    """Swagger UI reads which routes take the scheme, and sends the service's own origin."""
    document = make_client(STRANGER).get("/openapi.json").json()
    clear = document["paths"]["/ai/storage/clear"]["post"]
    assert clear["security"] == [{"admin": []}]
    scheme = document["components"]["securitySchemes"]["admin"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    for host in ("127.0.0.1:8000", "localhost:8000", "signals.example"):
        page = {"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin"}
        tried = page | {"authorization": f"Bearer {ADMIN_TOKEN}"}
        stranger = make_client(STRANGER)
        assert stranger.post("/ai/storage/clear", headers=tried).status_code == 200
        assert stranger.post("/ai/storage/clear", headers=page).status_code == 401


@pytest.mark.parametrize(
    ("settings", "headers", "enters"),
    [
        ({}, {}, True),
        ({}, {"origin": DASHBOARD}, True),
        ({}, OWN_PAGE, True),
        ({}, FOREIGN, False),
        ({}, OPAQUE, False),
        ({}, REBOUND, False),
        ({"origins": ["https://page.example"]}, {}, True),
        ({"origins": ["https://page.example"]}, {"origin": "https://page.example"}, True),
        ({"origins": ["https://page.example"]}, OWN_PAGE, True),
        ({"origins": ["https://page.example"]}, {"origin": DASHBOARD}, False),
        ({"origins": ["*"]}, FOREIGN, True),
        # A token does not make another page one of ours.
        ({"token": "listen"}, FOREIGN | {"authorization": "Bearer listen"}, False),
    ],
)
@pytest.mark.parametrize("local", [True, False])
def test_which_pages_may_listen(
    make_client: MakeClient, settings: dict[str, Any], headers: dict[str, str], enters: bool, local: bool
) -> None:
    client = make_client(websocket=settings) if local else make_client(STRANGER, websocket=settings)
    if enters:
        with client.websocket_connect("/ws", headers=headers) as socket:
            assert socket.receive_json()["type"] == "connection"
        return
    with pytest.raises(WebSocketDenialResponse) as caught, client.websocket_connect("/ws", headers=headers):
        pass
    assert caught.value.status_code == 403
    assert "WS_ORIGINS" in caught.value.json()["detail"]


def test_an_unknown_host_name_of_a_trusted_caller_is_logged_once(client: TestClient, log_facts: list[str]) -> None:
    for _ in range(2):
        assert client.post("/ai/analyze", json=shape_c(), headers={"host": "renamed.example"}).status_code == 200
        assert client.get("/ai/info", headers={"host": "localhost"}).status_code == 200
    told = [line for line in log_facts if "TRUSTED_HOSTS" in line]
    assert len(told) == 1
    assert "renamed.example" in told[0]


def test_invented_host_names_do_not_fill_the_log(make_client: MakeClient, log_facts: list[str]) -> None:
    stranger = make_client(STRANGER)
    for host in [f"h{number}.invented.example" for number in range(30)] + ["h" * 7_000 + ".example"]:
        rebound = {"host": host, "origin": f"http://{host}"}
        with pytest.raises(WebSocketDenialResponse), stranger.websocket_connect("/ws", headers=rebound):
            pass
    told = [line for line in log_facts if "TRUSTED_HOSTS" in line]
    assert len(told) == 20
    assert max(map(len, told)) < 500


def test_the_document_says_of_every_change_that_other_sites_are_refused(client: TestClient) -> None:
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            changes = method != "get" or "security" in operation
            assert ("403" in operation["responses"]) is changes, f"{method} {path}"
