"""POST /ai/feedback, GET /ai/performance and GET /ai/signal-quality, over HTTP."""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from container import Container
from domain.market import Timeframe
from domain.values import epoch_ms
from tests.conftest import STRANGER, MakeClient
from tests.fixtures.analyses import make_analysis, make_candle
from tests.fixtures.bodies import now_ms, shape_a, shape_b
from tests.fixtures.degraded import wait_until
from tests.fixtures.forecasting import make_forecast
from tests.fixtures.llm_clients import sample
from utils import metrics

FEEDBACK: dict[str, Any] = {
    "signal_id": "sig-7f3a",
    "symbol": "ETHUSDT",
    "predicted_signal": "Short",
    "actual_outcome": "failure",
    "profit_loss": -18.4,
    "confidence_was_accurate": False,
    "feedback_notes": None,
    "timestamp": 1_767_225_600_000,
}
FIGURES = {
    "overall_accuracy": float,
    "precision": float,
    "recall": float,
    "f1_score": float,
    "predictions_made": int,
    "successful_predictions": int,
    "average_confidence": float,
}
UNREACHABLE = {"url": "mongodb://127.0.0.1:9/none"}


def tell(client: TestClient, **changes: Any) -> str:
    """Post feedback and return the message."""
    response = client.post("/ai/feedback", json=FEEDBACK | changes)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["signal_id"] == (FEEDBACK | changes)["signal_id"]
    assert datetime.fromisoformat(answer["timestamp"]).tzinfo
    return str(answer["message"])


def performance(client: TestClient) -> dict[str, Any]:
    response = client.get("/ai/performance")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_without_feedback_all_is_zero(client: TestClient) -> None:
    found = performance(client)
    for name, kind in FIGURES.items():
        assert (type(found[name]), found[name]) == (kind, 0)
    assert set(found["by_source"]) == {"llm", "technical", "model", "ensemble", "unknown"}
    assert all(each == dict.fromkeys(FIGURES, 0) for each in found["by_source"].values())
    assert found["measured"]["signals_read"] == 0
    assert [rate["signals"] for rate in found["measured"]["horizons"]] == [0, 0, 0]
    assert found["model_uptime"].startswith("0:00:")
    assert datetime.fromisoformat(found["last_updated"]).tzinfo


def test_performance_is_what_the_outcomes_say_by_source(client: TestClient) -> None:
    analysis = client.post("/ai/analyze", json=shape_a(drift=0.4)).json()
    assert analysis["signal"] == "Long"
    outcome = {"signal_id": analysis["analysis_id"], "predicted_signal": "Long", "actual_outcome": "success"}
    tell(client, **outcome)
    tell(client, signal_id="own-1")
    tell(client, signal_id="own-2", actual_outcome="success")
    tell(client, signal_id="own-3", predicted_signal="STRONG_BUY", actual_outcome="neutral")
    watched = client.get("/metrics").text
    assert re.search(r"^ai_prediction_accuracy 0\.6666", watched, re.MULTILINE)
    found = performance(client)
    assert (found["predictions_made"], found["successful_predictions"]) == (4, 2)
    assert found["overall_accuracy"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["average_confidence"] == analysis["confidence"]
    technical, unknown = found["by_source"]["technical"], found["by_source"]["unknown"]
    assert (technical["predictions_made"], technical["overall_accuracy"]) == (1, 1)
    assert technical["average_confidence"] == analysis["confidence"]
    assert (unknown["predictions_made"], unknown["overall_accuracy"]) == (3, 0.5)
    assert unknown["average_confidence"] == 0


def test_feedback_never_expires_and_is_counted_once(make_client: MakeClient, tmp_path: Path) -> None:
    first = make_client()
    assert tell(first) == "the feedback is kept"
    assert tell(first, actual_outcome="success", profit_loss=99.0) == "this signal has its feedback already"
    first.__exit__(None, None, None)
    second = make_client()
    assert tell(second) == "this signal has its feedback already"
    found = performance(second)
    assert (found["predictions_made"], found["successful_predictions"]) == (1, 0)
    with sqlite3.connect(tmp_path / "store.db") as connection:
        assert connection.execute("SELECT count(*) FROM signal_feedback").fetchall() == [(1,)]


def test_feedback_of_an_untrusted_client_is_stored_but_not_counted(make_client: MakeClient) -> None:
    stranger = make_client(STRANGER)
    assert tell(stranger, actual_outcome="success") == "the feedback is kept"
    assert tell(stranger) == "this signal has its feedback already"
    assert performance(stranger)["predictions_made"] == 0
    trusted = make_client()
    assert tell(trusted) == "the feedback is kept"  # in the stranger's place
    assert tell(trusted) == "this signal has its feedback already"
    found = performance(trusted)
    assert (found["predictions_made"], found["successful_predictions"]) == (1, 0)


def test_archived_signals_are_measured_against_the_candles_that_came_after_them(client: TestClient) -> None:
    """Forty Long signals of the rules, an hour apart, in a rising market; the model's forecasts were Short."""
    container: Container = client.app.state.container  # type: ignore[attr-defined]
    assert client.portal is not None
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=50)
    candles = [make_candle(epoch_ms(start) + hour * Timeframe.H1.ms, 101.0 + hour) for hour in range(49)]
    for hour in range(40):
        analysis = make_analysis(
            analysis_id=f"a-{hour}",
            price=100.0 + hour,
            generated_at=start + timedelta(hours=hour),
            forecast=make_forecast(signal="Short"),
        )
        save = partial(container.store.save_analysis, "key", analysis, archive=True, candles={Timeframe.H1: candles})
        client.portal.call(save)
    found = performance(client)["measured"]
    assert found["signals_read"] == 40
    assert datetime.fromisoformat(found["since"]) == start
    hour, four, day = found["horizons"]
    assert (hour["horizon_hours"], hour["signals"], hour["hits"], hour["hit_rate"]) == (1, 40, 40, 1.0)
    assert 0.9 < hour["low"] < hour["high"] == hour["baseline"] == 1.0
    assert hour["mean_return"] > 0
    assert (four["signals"], four["hit_rate"], day["signals"], day["hits"]) == (10, None, 2, None)
    assert [rate["hits"] for rate in found["by_source"]["technical"]] == [40, None, None]
    assert [rate["hits"] for rate in found["by_source"]["model"]] == [0, None, None]
    assert [rate["signals"] for rate in found["by_source"]["llm"]] == [0, 0, 0]


def test_a_signal_of_another_symbol_is_refused(client: TestClient) -> None:
    analysis = client.post("/ai/analyze", json=shape_a(symbol="BTCUSDT")).json()
    refused = client.post("/ai/feedback", json=FEEDBACK | {"signal_id": analysis["analysis_id"]})
    assert refused.status_code == 422
    assert "is of BTCUSDT, not of ETHUSDT" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("drift", "given", "told"), [(0.0, "Neutral", "Long"), (0.4, "Long", "Short"), (0.4, "Long", "HOLD")]
)
def test_an_outcome_of_another_signal_than_the_one_given_is_refused_and_does_not_count(
    client: TestClient, drift: float, given: str, told: str
) -> None:
    analysis = client.post("/ai/analyze", json=shape_a(drift=drift, seed=3)).json()
    assert analysis["signal"] == given
    outcome = FEEDBACK | {"signal_id": analysis["analysis_id"], "actual_outcome": "success"}
    refused = client.post("/ai/feedback", json=outcome | {"predicted_signal": told})
    assert refused.status_code == 422
    side = {"HOLD": "Neutral"}.get(told, told)
    assert (
        f"was {given}, not {side}: predicted_signal needs to be the signal that was given" in refused.json()["detail"]
    )
    assert performance(client)["predictions_made"] == 0
    tell(client, **outcome | {"predicted_signal": given.upper()})
    assert performance(client)["predictions_made"] == 1


def test_the_accuracy_is_there_again_after_a_restart(make_client: MakeClient) -> None:
    first = make_client()
    tell(first, actual_outcome="success")
    tell(first, signal_id="another", actual_outcome="failure")
    first.__exit__(None, None, None)
    metrics.PREDICTION_ACCURACY.set(0.123)  # of an earlier process
    second = make_client()
    wait_until(lambda: sample("ai_prediction_accuracy") == 0.5)
    assert re.search(r"^ai_prediction_accuracy 0\.5$", second.get("/metrics").text, re.MULTILINE)


@pytest.mark.parametrize(
    "changes",
    [
        {"signal_id": ""},
        {"signal_id": "x" * 101},
        {"symbol": "eth"},
        {"predicted_signal": "Up"},
        {"actual_outcome": "won"},
        {"profit_loss": "much"},
        {"confidence_was_accurate": "yes"},
        {"timestamp": 1_767_225_600},
    ],
)
def test_what_is_no_feedback_is_refused(client: TestClient, changes: dict[str, Any]) -> None:
    response = client.post("/ai/feedback", json=FEEDBACK | changes)
    assert response.status_code == 422
    assert next(iter(changes)) in response.json()["detail"]


def test_what_cannot_be_kept_is_not_accepted(make_client: MakeClient) -> None:
    client = make_client(storage=UNREACHABLE | {"spool_path": ""})
    assert client.post("/ai/feedback", json=FEEDBACK).status_code == 503
    assert client.get("/ai/performance").status_code == 503
    assert client.get("/ai/signal-quality").status_code == 503


@pytest.mark.parametrize("path", ["/ai/signal-quality", "/api/ai/signal-quality"])
def test_signal_quality_counts_the_newest_signals(client: TestClient, path: str) -> None:
    empty = client.get(path).json()
    assert (empty["total"], empty["neutral_pct"], empty["avg_confidence"], empty["signals"]) == (0, 0, 0, [])
    answers = [
        client.post("/ai/analyze", json=body).json()
        for body in (
            shape_a(drift=0.4),
            shape_a(drift=-0.4, symbol="BTCUSDT"),
            shape_b(drift=0.0, seed=3, symbol="SOLUSDT"),
        )
    ]
    assert [answer["signal"] for answer in answers] == ["Long", "Short", "HOLD"]
    found = client.get(path).json()
    assert (found["total"], found["bull_count"], found["bear_count"], found["neutral_count"]) == (3, 1, 1, 1)
    assert found["neutral_pct"] == pytest.approx(33.33)
    assert found["avg_confidence"] == pytest.approx(sum(a["confidence"] for a in answers) / 3, abs=1e-4)
    assert found["consecutive_neutral"] == 1
    assert [each["symbol"] for each in found["signals"]] == ["SOLUSDT", "BTCUSDT", "ETHUSDT"]
    newest = datetime.fromisoformat(found["signals"][0]["timestamp"])
    assert abs(newest.timestamp() * 1000 - now_ms()) < 60_000
    assert found["pipeline_settings"]["min_candles"] == 60
    one = client.get(path, params={"limit": 2}).json()
    assert (one["total"], one["consecutive_neutral"]) == (2, 1)
    assert client.get(path, params={"limit": 0}).status_code == 422


def test_feedback_that_came_while_the_store_was_down_counts_when_it_is_back(
    make_client: MakeClient, tmp_path: Path
) -> None:
    client = make_client()
    analysis = client.post("/ai/analyze", json=shape_a(drift=0.4)).json()
    store = tmp_path / "store.db"
    container: Container = client.app.state.container  # type: ignore[attr-defined]
    assert client.portal is not None
    told = {"signal_id": analysis["analysis_id"], "predicted_signal": "Long", "actual_outcome": "success"}
    tell(client, signal_id="counted before")
    client.portal.call(container.store.flush)
    with sqlite3.connect(store, isolation_level=None) as connection:
        connection.execute("BEGIN EXCLUSIVE")  # another program writes for a long time
        assert tell(client, **told) == "the feedback is kept"
        assert tell(client, signal_id="counted before", actual_outcome="success") == "the feedback is kept"
        connection.execute("ROLLBACK")
    client.__exit__(None, None, None)
    found = performance(make_client())
    assert (found["predictions_made"], found["successful_predictions"]) == (2, 1)
    assert found["by_source"]["technical"]["predictions_made"] == 1
