"""GET /ai/evidence, and what an adopted refit changes: confidence and lane_id, also after a restart."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.testclient import TestClient

from services.evidence.file import SHIPPED_FILE
from storage.document_ports import EVIDENCE_REFITS
from storage.ledger_ports import EntryFilter
from tests.conftest import MakeClient
from tests.fixtures.bodies import shape_a
from tests.fixtures.containers import container_of
from tests.fixtures.evidence import adopted_refit

STRANGER = ("203.0.113.9", 50_000)
EMPTY: dict[str, list[object]] = {"records": [], "refits": [], "plan_models": []}


def answered(client: TestClient, symbol: str) -> tuple[float, str]:
    """Return confidence and lane_id of a fresh answer of the rules."""
    response = client.post("/ai/analyze", json=shape_a(seed=5, drift=0.35, symbol=symbol))
    assert response.status_code == 200, response.text
    records = call(
        client, container_of(client).base.stores.ledger.entries, EntryFilter(lane="rules", symbol=symbol), 10
    )
    return response.json()["confidence"], records[0].entry.lane_id


def call(client: TestClient, work: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
    assert client.portal is not None
    return client.portal.call(work, *arguments)


def test_without_refits_the_shipped_records_are_in_use(make_client: MakeClient) -> None:
    shipped = json.loads(SHIPPED_FILE.read_text())["records"]
    assert make_client(STRANGER).get("/ai/evidence").json() == {
        "records": [
            {name: record[name] for name in ("timeframe", "weight", "error", "plans", "built_from")}
            for record in shipped
        ],
        "refits": [],
        "plan_models": [],
    }
    assert make_client(trading={"evidence_file": ""}).get("/ai/evidence").json() == EMPTY


def test_a_limit_out_of_range_is_refused_by_name(make_client: MakeClient) -> None:
    response = make_client().get("/ai/evidence", params={"limit": 0})
    assert response.status_code == 422
    assert "limit" in response.json()["detail"]


def test_an_adopted_refit_changes_confidence_and_lane_id_and_a_restart_keeps_it(make_client: MakeClient) -> None:
    client = make_client()
    container = container_of(client)
    before = answered(client, "ETHUSDT")
    evidence = container.ledger.evidence.shipped.evidence
    assert evidence is not None
    refit = adopted_refit(evidence, round(evidence.records[0].weight / 2, 6))
    call(client, container.base.stores.documents.put, EVIDENCE_REFITS, refit["refit_id"], refit)
    call(client, container.ledger.calibration.look)
    after = answered(client, "ADAUSDT")
    assert after[0] < before[0]
    assert after[1] != before[1]
    found = client.get("/ai/evidence").json()
    assert found["records"][0]["weight"] == refit["weight"]
    assert found["records"][0]["built_from"] == refit["built_from"]
    assert [(one["id"], one["state"], one["reason"]) for one in found["refits"]] == [
        (refit["refit_id"], "adopted", "it predicts better")
    ]
    client.__exit__(None, None, None)
    client.__enter__()
    assert container_of(client) is not container
    call(client, container_of(client).ledger.calibration.look)
    assert answered(client, "XRPUSDT") == after
    assert client.get("/ai/evidence").json() == found
