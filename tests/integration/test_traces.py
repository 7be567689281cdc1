"""Traces of a service, sent to a real receiver of OTLP over HTTP, and what happens where that fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from container import check_adapters
from demo import behaviors
from demo.openai_server import FakeOpenAI
from domain.errors import ConfigurationError
from servers.process import free_port
from tests.conftest import MakeSettings
from tests.fixtures.answers import analyzed
from tests.fixtures.bodies import shape_a
from tests.fixtures.http_stand_in import Answer
from tests.fixtures.llm_clients import KEYS, llm_section, sample
from tests.fixtures.patience import wait_until
from tests.fixtures.traces import ReceivedSpan, TraceReceiver, trace_receiver, traced_service

pytest_plugins = ["tests.fixtures.openai_server", "tests.fixtures.logs"]

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
UNSAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-00"}


@pytest.fixture
def receiver() -> Iterator[TraceReceiver]:
    with trace_receiver() as running:
        yield running


def analyze(client: TestClient, headers: dict[str, str] | None = None, seed: int = 5) -> dict[str, Any]:
    return analyzed(client, shape_a(seed=seed, drift=0.35), **(headers or {}))


def only(spans: list[ReceivedSpan]) -> ReceivedSpan:
    (span,) = spans
    return span


def test_a_request_is_a_part_of_its_callers_trace_and_its_steps_are_below_it(
    receiver: TraceReceiver, make_settings: MakeSettings, fake_openai: FakeOpenAI
) -> None:
    tracing = {"endpoint": receiver.endpoint}
    with traced_service(make_settings(tracing=tracing, llm=llm_section(fake_openai.url))) as client:
        assert analyze(client, CALLER)["source"] == "llm"
    request = only(receiver.named("POST /ai/analyze"))
    assert (request.trace_id, request.parent_id, request.failed) == (TRACE, PARENT, False)
    assert request.attributes["http.route"] == "/ai/analyze"
    assert request.attributes["http.response.status_code"] == 200
    assert request.resource["service.name"] == "AI Trading Signal Service"
    assert request.resource["deployment.environment.name"] == "test"
    read, call = only(receiver.named("market read")), only(receiver.named("LLM call"))
    writes = receiver.named("store write")
    assert {span.parent_id for span in (read, call, *writes)} == {request.span_id}
    assert {span.trace_id for span in receiver.spans} == {TRACE}
    assert read.attributes == {"symbol": "ETHUSDT", "source_data": "client"}
    assert call.attributes == {"model": "gpt-4o-mini", "key": 1}
    # the analysis, and what the ledger and the books of the LLM keep of it
    assert len(writes) >= 3
    assert all(span.seconds > 0 for span in receiver.spans)


def test_a_request_without_a_header_begins_a_trace_of_its_own(
    receiver: TraceReceiver, make_settings: MakeSettings
) -> None:
    with traced_service(make_settings(tracing={"endpoint": receiver.endpoint})) as client:
        analyze(client, seed=5)
        analyze(client, seed=5)
        for probe in ("/health", "/livez", "/readyz", "/metrics"):
            assert client.get(probe).status_code == 200
        with client.websocket_connect("/ws") as socket:
            socket.receive_text()
    fresh, cached = receiver.named("POST /ai/analyze")
    assert fresh.parent_id == cached.parent_id == ""
    assert fresh.trace_id != cached.trace_id
    # the second one is answered from the cache, and probes and sockets are not traced
    assert only(receiver.named("market read")).trace_id == fresh.trace_id
    assert {span.trace_id for span in receiver.spans} == {fresh.trace_id, cached.trace_id}


def test_a_share_of_the_traces_is_sampled_and_a_caller_decides_for_its_own(
    receiver: TraceReceiver, make_settings: MakeSettings
) -> None:
    with traced_service(make_settings(tracing={"endpoint": receiver.endpoint, "sample_share": 0})) as client:
        analyze(client, seed=5)
        analyze(client, UNSAMPLED, seed=6)
        analyze(client, CALLER, seed=7)
    assert only(receiver.named("POST /ai/analyze")).trace_id == TRACE
    assert {span.trace_id for span in receiver.spans} == {TRACE}


def test_a_failed_call_of_the_llm_is_marked_and_no_message_or_key_is_sent(
    receiver: TraceReceiver, make_settings: MakeSettings, fake_openai: FakeOpenAI
) -> None:
    fake_openai.always = behaviors.server_error
    with traced_service(
        make_settings(tracing={"endpoint": receiver.endpoint}, llm=llm_section(fake_openai.url))
    ) as client:
        assert analyze(client)["source"] == "technical"
    calls = receiver.named("LLM call")
    assert [(call.failed, call.attributes["error.type"]) for call in calls] == [(True, "server_error")] * len(calls)
    assert calls
    assert all(span.events == 0 for span in receiver.spans)
    sent = b"".join(request.body for request in receiver.stand_in.requests)
    assert not any(key.encode() in sent for key in KEYS)


def test_a_job_is_a_part_of_the_trace_of_the_request_that_ordered_it(
    receiver: TraceReceiver, make_settings: MakeSettings
) -> None:
    settings = make_settings(tracing={"endpoint": receiver.endpoint}, market_data={"sources": ["synthetic"]})
    with traced_service(settings) as client:
        order = client.post("/jobs/bulk_analysis", json={"symbols": ["BTCUSDT"]}, headers=CALLER).json()
        wait_until(lambda: client.get(f"/jobs/{order['job_id']}").json()["status"] == "succeeded")
    job = only(receiver.named("job"))
    request = only([span for span in receiver.spans if span.parent_id == PARENT])
    assert (job.trace_id, job.parent_id) == (TRACE, request.span_id)
    assert job.attributes == {"kind": "bulk_analysis", "job_id": order["job_id"]}
    data, read = only(receiver.named("market data")), only(receiver.named("market read"))
    assert (data.parent_id, read.parent_id) == (job.span_id, job.span_id)
    assert data.attributes == {"symbol": "BTCUSDT", "source_data": "synthetic"}


def test_each_analysis_of_the_loop_is_a_trace(receiver: TraceReceiver, make_settings: MakeSettings) -> None:
    settings = make_settings(
        tracing={"endpoint": receiver.endpoint},
        market_data={"sources": ["synthetic"]},
        analysis={"symbols": ["BTCUSDT", "ETHUSDT"]},
        periodic={"enabled": True, "pause_seconds": 0},
    )
    with traced_service(settings) as client:
        wait_until(lambda: client.get("/health").json()["last_cycle"] is not None)
    analyses = receiver.named("loop analysis")
    assert [span.attributes["symbol"] for span in analyses] == ["BTCUSDT", "ETHUSDT"]
    assert {span.parent_id for span in analyses} == {""}
    assert [span.parent_id for span in receiver.named("market read")] == [span.span_id for span in analyses]


def test_headers_of_the_receiver_are_sent_and_never_logged(
    receiver: TraceReceiver, make_settings: MakeSettings, log_facts: list[str]
) -> None:
    tracing = {"endpoint": receiver.endpoint, "headers": "Authorization=Bearer t0p-s3cret, x-scope=signals"}
    settings = make_settings(tracing=tracing)
    assert "Bearer t0p-s3cret" in settings.secret_values()
    with traced_service(settings) as client:
        analyze(client)
        assert "t0p-s3cret" not in client.get("/config").text
    headers = receiver.stand_in.requests[0].headers
    assert {name.lower(): value for name, value in headers.items()}.items() >= {
        "authorization": "Bearer t0p-s3cret",
        "x-scope": "signals",
    }.items()
    assert "t0p-s3cret" not in repr(settings) + "".join(log_facts)


def lost() -> float:
    return sample("trace_spans_total", outcome="failed")


def test_a_receiver_that_is_not_there_costs_no_request_and_is_logged_once(
    make_settings: MakeSettings, log_lines: list[str]
) -> None:
    before = lost()
    tracing = {"endpoint": f"http://127.0.0.1:{free_port()}/v1/traces", "timeout_seconds": 0.2, "max_waiting_spans": 2}
    with traced_service(make_settings(tracing=tracing)) as client:
        for seed in (5, 6, 7):
            assert analyze(client, seed=seed)["source"] == "technical"
            wait_until(lambda: lost() > before)
    assert [line for line in log_lines if "traces" in line] == [
        "WARNING traces are lost: their receiver does not take them"
    ]


def test_a_receiver_that_never_answers_keeps_neither_requests_nor_the_end(
    receiver: TraceReceiver, make_settings: MakeSettings, log_lines: list[str]
) -> None:
    receiver.stand_in.always(Answer(hang=True))
    before = lost()
    with traced_service(make_settings(tracing={"endpoint": receiver.endpoint, "timeout_seconds": 0.2})) as client:
        assert analyze(client)["source"] == "technical"
    assert lost() > before
    assert "WARNING traces are lost: their receiver does not take them" in log_lines


def test_a_receiver_that_is_back_is_logged(
    receiver: TraceReceiver, make_settings: MakeSettings, log_lines: list[str]
) -> None:
    receiver.stand_in.always(Answer(status=400))
    before = lost()
    with traced_service(make_settings(tracing={"endpoint": receiver.endpoint, "max_waiting_spans": 1})) as client:
        analyze(client, seed=5)
        wait_until(lambda: lost() > before)
        receiver.stand_in.always(Answer())
        analyze(client, seed=6)
        wait_until(lambda: "INFO traces are received again" in log_lines)
    assert log_lines.count("WARNING traces are lost: their receiver does not take them") == 1


def test_without_the_libraries_the_start_is_refused_with_the_command_that_installs_them(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings(tracing={"endpoint": "http://127.0.0.1:4318/v1/traces"})
    check_adapters(settings)
    missing = {"opentelemetry.no_such_sdk": "opentelemetry-sdk", "no_such_package.exporter": "exporter-package"}
    monkeypatch.setattr("container.tracing.LIBRARIES", missing)
    for refused in (check_adapters, create_app):
        with pytest.raises(ConfigurationError, match="uv pip install opentelemetry-sdk exporter-package"):
            refused(settings)
    check_adapters(make_settings())
