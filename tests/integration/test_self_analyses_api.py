"""GET /ai/config-suggestions and GET /ai/gpt4-analysis-history, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from fastapi.testclient import TestClient

from container import Container
from storage.document_ports import CONFIG_SUGGESTIONS, SELF_ANALYSES, Collection
from tests.conftest import MakeClient

ROUTES = pytest.mark.parametrize(
    ("path", "collection", "name"),
    [
        ("/ai/config-suggestions", CONFIG_SUGGESTIONS, "suggestions"),
        ("/ai/gpt4-analysis-history", SELF_ANALYSES, "analyses"),
    ],
)


def keep(client: TestClient, collection: Collection, key: str, days_ago: float, **fields: Any) -> None:
    """Put a document into the store of the running service."""
    container: Container = client.app.state.container  # type: ignore[attr-defined]
    document = {"created_at": datetime.now(UTC) - timedelta(days=days_ago), **fields}
    assert client.portal is not None
    client.portal.call(partial(container.documents.put, collection, key, document))


@ROUTES
def test_nothing_kept_is_an_empty_list(client: TestClient, path: str, collection: Collection, name: str) -> None:
    assert client.get(path).json() == {"success": True, "count": 0, name: [], "data": []}


@ROUTES
def test_the_newest_come_first_within_limit_and_days(
    client: TestClient, path: str, collection: Collection, name: str
) -> None:
    content = {
        "status": "pending",
        "suggestions": {"summary": "wider stops"},
        "confidence": 0.55,
        "applied_changes": [],
    }
    for key, days_ago in (("b", 2), ("a", 1), ("old", 40)):
        keep(client, collection, key, days_ago, **content)
    found = client.get(path).json()
    assert (found["success"], found["count"]) == (True, 2)
    assert [each["_id"] for each in found[name]] == ["a", "b"]
    assert found["data"] == found[name]
    first = found[name][0]
    assert {key: first[key] for key in content} == content
    assert datetime.fromisoformat(first["created_at"]).tzinfo
    assert [each["_id"] for each in client.get(path, params={"limit": 1}).json()[name]] == ["a"]
    assert client.get(path, params={"days": 50}).json()["count"] == 3
    assert client.get(path, params={"limit": 0}).status_code == 422


@ROUTES
def test_a_store_that_is_down_is_said_to_be(
    make_client: MakeClient, path: str, collection: Collection, name: str
) -> None:
    assert make_client(storage={"url": "mongodb://127.0.0.1:9/none"}).get(path).status_code == 503
