"""The newest signal of each symbol, for those who come after it was broadcast."""

from __future__ import annotations

import pytest

from domain.forecasting import ANY_SYMBOL
from domain.market import Timeframe
from models.registry.registry import Registry
from tests.conftest import STRANGER, MakeClient, admin_headers
from tests.fixtures.bodies import shape_a
from tests.fixtures.forecasting import put_in_production

pytest_plugins = ["tests.fixtures.registry"]

TOKEN = "token-of-the-socket"  # noqa: S105


def test_a_broadcast_signal_can_be_read_later(make_client: MakeClient) -> None:
    client = make_client()
    assert client.get("/ai/signals").json() == {"signals": []}
    with client.websocket_connect("/ws") as socket:
        socket.receive_json()
        answer = client.post("/ai/analyze", json=shape_a()).json()
        event = socket.receive_json()
    assert client.get("/ai/signals").json() == {"signals": [event["data"]]}
    assert event["data"]["analysis_id"] == answer["analysis_id"]
    assert event["data"]["forecast"] is None
    assert "no model" in event["data"]["forecast_note"]


def test_a_signal_has_the_forecast_of_its_analysis(make_client: MakeClient, registry: Registry) -> None:
    version = put_in_production(registry, symbol=ANY_SYMBOL, timeframe=Timeframe.H1)
    client = make_client()
    with client.websocket_connect("/ws") as socket:
        socket.receive_json()
        answer = client.post("/ai/analyze", json=shape_a()).json()
        event = socket.receive_json()["data"]
    assert (event["forecast"], event["forecast_note"]) == (answer["forecast"], None)
    assert event["forecast"]["model_version"] == version
    (newest,) = client.get("/ai/signals").json()["signals"]
    assert newest == event


@pytest.mark.parametrize(
    ("headers", "status"), [({}, 401), ({"Authorization": f"Bearer {TOKEN}"}, 200), (admin_headers(), 200)]
)
def test_what_the_socket_keeps_from_strangers_is_kept_here_too(
    make_client: MakeClient, headers: dict[str, str], status: int
) -> None:
    client = make_client(STRANGER, websocket={"token": TOKEN})
    assert client.get("/ai/signals", headers=headers).status_code == status
