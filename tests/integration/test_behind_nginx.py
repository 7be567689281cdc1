"""The service behind a real nginx on the same machine, which looks like a program of this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.fixtures.bodies import shape_a, shape_c
from tests.fixtures.nginx import nginx
from tests.fixtures.patience import PATIENCE_SECONDS
from tests.fixtures.service import Service, running_service

get, post = partial(httpx2.get, timeout=PATIENCE_SECONDS), partial(httpx2.post, timeout=PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Service]:
    """Serve without a token, as at the first start."""
    with running_service(ADMIN_TOKEN="", DATABASE_URL=f"sqlite:///{folder}/store.db") as running:
        yield running


def test_a_bare_proxy_opens_no_admins_route(service: Service, folder: Path) -> None:
    token = (folder / "admin_token").read_text().strip()
    bearer = {"authorization": f"Bearer {token}"}
    with nginx(service.url) as proxy:
        assert post(f"{proxy}/ai/analyze", json=shape_c()).status_code == 200
        for url in (proxy, service.url):
            refused = post(f"{url}/ai/storage/clear", json={})
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert post(f"{url}/ai/storage/clear", headers={"authorization": "Bearer x"}).status_code == 401
            assert get(f"{url}/debug/gpt4").status_code == 401
            assert get(f"{url}/jobs").status_code == 401
            assert token not in refused.text
        assert post(f"{proxy}/ai/storage/clear", json={}, headers=bearer).json()["cleared_analyses"] == 1
        assert service.post("/ai/storage/clear", json={}, headers=bearer).json()["cleared_analyses"] == 0


HEADERS = (
    "X-Forwarded-For $remote_addr",
    "X-Real-IP $remote_addr",
    'Via "1.1 nginx"',
    "CF-Connecting-IP $remote_addr",
    "True-Client-IP $remote_addr",
    "X-Client-IP $remote_addr",
    "X-Cluster-Client-IP $remote_addr",
    # a proxy that tells nothing but the name under which it was called
    "Host signals.example",
)


@pytest.fixture(scope="module")
def trusting() -> Iterator[Service]:
    """Serve with an administrator's rights for this machine."""
    with running_service(ACCESS__LOOPBACK_ADMIN="true", RATE_LIMITS__ANALYZE="1/minute") as running:
        yield running


@pytest.mark.parametrize("header", HEADERS)
def test_a_proxy_that_names_itself_passes_on_neither_loopback_rights_nor_trust(trusting: Service, header: str) -> None:
    # Each proxy has a loopback address of its own, and so a limit of its own.
    address = f"127.0.0.{10 + HEADERS.index(header)}"
    with httpx2.Client(transport=httpx2.HTTPTransport(local_address=address)) as without_proxy:
        assert without_proxy.get(f"{trusting.url}/jobs").status_code == 200
        answers = [without_proxy.post(f"{trusting.url}/ai/analyze", json=shape_c()).status_code for _ in range(2)]
        assert answers == [200, 200]
    with nginx(trusting.url, f"proxy_bind {address}", f"proxy_set_header {header}") as proxy:
        assert get(f"{proxy}/jobs").status_code == 401
        answers = [post(f"{proxy}/ai/analyze", json=shape_c()).status_code for _ in range(2)]
        assert answers == [200, 429]


def test_redirect_of_a_slash_too_many_stays_with_the_proxy(service: Service) -> None:
    with nginx(service.url, "proxy_set_header Host evil.example") as proxy:
        moved = post(f"{proxy}/ai/analyze/?a=1", json=shape_c())
        assert (moved.status_code, moved.headers["location"]) == (307, "/ai/analyze?a=1")
        followed = post(f"{proxy}/ai/analyze/", json=shape_c(), follow_redirects=True)
        assert followed.json()["symbol"] == shape_c()["symbol"]


@pytest.fixture(scope="module")
def limited() -> Iterator[Service]:
    """Serve this machine with low limits."""
    limits: dict[str, Any] = {"RATE_LIMITS__ANALYZE_TRUSTED": "30/minute", "ACCESS__MAX_BODY_BYTES": "100000"}
    with running_service(**limits) as running:
        yield running


@pytest.mark.parametrize(
    ("directive", "address"), [("proxy_http_version 1.1", "127.0.0.30"), ("proxy_request_buffering off", "127.0.0.31")]
)
def test_a_refusal_before_the_body_is_read_comes_through_the_proxy(
    limited: Service, directive: str, address: str
) -> None:
    # Of a hundred such answers some ten were 502 when the connection was closed with an unread body.
    large, json_body = b" " * 900_000, {"content-type": "application/json"}
    # After an early answer nginx may close a connection that it has announced to keep: each request has one of its own.
    alone = httpx2.Limits(max_keepalive_connections=0)
    with (
        nginx(limited.url, f"proxy_bind {address}", directive) as proxy,
        httpx2.Client(base_url=proxy, headers=json_body, timeout=PATIENCE_SECONDS, limits=alone) as client,
    ):
        for path, body, status in (
            ("/ai/feedback", large, 413),
            ("/ai/train", large, 401),
            ("/ai/analyze/", large, 307),
        ):
            answers = [client.post(path, content=body).status_code for _ in range(30)]
            assert answers == [status] * 30
        body = json.dumps(shape_a()).encode()
        answers = [client.post("/ai/analyze", content=body).status_code for _ in range(60)]
        assert answers == [200] * 30 + [429] * 30
