"""POST /ai/feedback, GET /ai/performance and GET /ai/signal-quality, over HTTP."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from domain.ledger.entries import Apart, LedgerLane
from domain.ledger.settlements import LedgerRecord
from domain.values import Signal, epoch_ms
from tests.conftest import STRANGER, MakeClient
from tests.fixtures.bodies import shape_a
from tests.fixtures.containers import container_of
from tests.fixtures.llm_clients import sample
from tests.fixtures.patience import wait_until
from tests.fixtures.settled import HOUR_MS, keep, settled
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


def reported(client: TestClient) -> dict[str, Any]:
    """Return the figures by what clients reported."""
    found: dict[str, Any] = performance(client)["feedback"]
    return found


def test_without_settled_calls_and_feedback_all_is_zero(client: TestClient) -> None:
    found = performance(client)
    for name, kind in FIGURES.items():
        assert (type(found[name]), found[name]) == (kind, 0)
        assert (type(found["feedback"][name]), found["feedback"][name]) == (kind, 0)
    assert set(found["by_source"]) == {"llm", "technical", "model", "ensemble"}
    assert set(found["feedback"]["by_source"]) == {"llm", "technical", "model", "ensemble", "unknown"}
    by_source = [*found["by_source"].values(), *found["feedback"]["by_source"].values()]
    assert all(figures == dict.fromkeys(FIGURES, 0) for figures in by_source)
    assert (found["timeframe"], found["horizon"], found["measured"]["signals_read"]) == (None, 1, 0)
    assert found["measured"]["horizons"] == []
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
    found = reported(client)
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
    found = reported(second)
    assert (found["predictions_made"], found["successful_predictions"]) == (1, 0)
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection, connection:
        assert connection.execute("SELECT count(*) FROM signal_feedback").fetchall() == [(1,)]


def test_feedback_of_an_untrusted_client_is_stored_but_not_counted(make_client: MakeClient) -> None:
    stranger = make_client(STRANGER)
    assert tell(stranger, actual_outcome="success") == "the feedback is kept"
    assert tell(stranger) == "this signal has its feedback already"
    assert reported(stranger)["predictions_made"] == 0
    trusted = make_client()
    assert tell(trusted) == "the feedback is kept"  # in the stranger's place
    assert tell(trusted) == "this signal has its feedback already"
    found = reported(trusted)
    assert (found["predictions_made"], found["successful_predictions"]) == (1, 0)


def keep_in_the_ledger(client: TestClient, records: list[LedgerRecord]) -> None:
    container = container_of(client)
    assert client.portal is not None
    client.portal.call(keep, container.base.stores.ledger, records)


def said(hour: int, move: float, **changes: Any) -> LedgerRecord:
    """Return a call of 40 hours ago and later, settled one candle on."""
    begin_ms = epoch_ms(datetime.now(UTC).replace(minute=0, second=0, microsecond=0)) - 40 * HOUR_MS
    closed_ms = begin_ms + hour * HOUR_MS
    return settled(move, **{"closed_ms": closed_ms, "known_ms": closed_ms + 1_000} | changes)


def test_performance_is_what_the_market_did_after_the_calls_of_the_ledger(client: TestClient) -> None:
    """Forty Long calls of the rules in a market that rises 30 times; the model beside them said Short."""
    up = [hour % 4 != 0 for hour in range(40)]
    rules = [said(hour, 0.01 if up[hour] else -0.01, confidence=0.7) for hour in range(40)]
    model = [
        said(hour, 0.01 if up[hour] else -0.01, lane=LedgerLane.MODEL, side=Signal.SHORT, given=False)
        for hour in range(40)
    ]
    keep_in_the_ledger(client, [*rules, *model])
    found = performance(client)
    assert (found["predictions_made"], found["successful_predictions"], found["timeframe"]) == (40, 30, "1h")
    # Every rise was called Long, and no fall was called Short.
    assert (found["overall_accuracy"], found["precision"], found["recall"]) == (0.75, 0.75, 0.5)
    assert found["average_confidence"] == pytest.approx(0.7)
    assert found["by_source"]["technical"]["successful_predictions"] == 30
    assert found["by_source"]["model"]["successful_predictions"] == 10
    assert found["by_source"]["llm"]["predictions_made"] == 0
    assert found["feedback"]["predictions_made"] == 0
    (rate,) = found["measured"]["horizons"]
    assert found["measured"]["signals_read"] == 40
    assert (rate["horizon"], rate["horizon_hours"], rate["signals"], rate["hits"]) == (1, 1, 40, 30)
    assert (rate["hit_rate"], rate["baseline"], rate["verdict"]) == (0.75, 0.75, "none")
    assert 0.5 < rate["low"] < 0.75 < rate["high"] < 1
    assert rate["mean_return"] == pytest.approx(0.005)
    assert [rate["hits"] for rate in found["measured"]["by_source"]["model"]] == [10]
    assert found["measured"]["by_source"]["llm"] == []


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
    assert reported(client)["predictions_made"] == 0
    tell(client, **outcome | {"predicted_signal": given.upper()})
    assert reported(client)["predictions_made"] == 1


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
def test_signal_quality_counts_the_newest_answers_that_were_given_and_count(client: TestClient, path: str) -> None:
    empty = client.get(path).json()
    assert (empty["total"], empty["neutral_pct"], empty["avg_confidence"], empty["signals"]) == (0, 0, 0, [])
    answers = [
        said(1, 0.01, symbol="ETHUSDT", confidence=0.7),
        said(2, 0.01, symbol="BTCUSDT", confidence=0.6, side=Signal.SHORT),
        said(3, 0.01, symbol="SOLUSDT", confidence=0.5, side=Signal.NEUTRAL),
        said(4, 0.01, symbol="ADAUSDT", lane=LedgerLane.MODEL, given=False),
        said(5, 0.01, symbol="XRPUSDT", apart=Apart.STRANGER),
    ]
    keep_in_the_ledger(client, answers)
    found = client.get(path).json()
    assert (found["total"], found["bull_count"], found["bear_count"], found["neutral_count"]) == (3, 1, 1, 1)
    assert found["neutral_pct"] == pytest.approx(33.33)
    assert found["avg_confidence"] == pytest.approx(0.6)
    assert found["consecutive_neutral"] == 1
    assert [signal["symbol"] for signal in found["signals"]] == ["SOLUSDT", "BTCUSDT", "ETHUSDT"]
    newest = datetime.fromisoformat(found["signals"][0]["timestamp"])
    assert epoch_ms(newest) == answers[2].entry.known_ms
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
    container = container_of(client)
    assert client.portal is not None
    told = {"signal_id": analysis["analysis_id"], "predicted_signal": "Long", "actual_outcome": "success"}
    tell(client, signal_id="counted before")
    client.portal.call(container.base.stores.analyses.flush)
    with closing(sqlite3.connect(store, isolation_level=None)) as connection, connection:
        connection.execute("BEGIN EXCLUSIVE")  # another program writes for a long time
        assert tell(client, **told) == "the feedback is kept"
        assert tell(client, signal_id="counted before", actual_outcome="success") == "the feedback is kept"
        connection.execute("ROLLBACK")
    client.__exit__(None, None, None)
    found = reported(make_client())
    assert (found["predictions_made"], found["successful_predictions"]) == (2, 1)
    assert found["by_source"]["technical"]["predictions_made"] == 1
