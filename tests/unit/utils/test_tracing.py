"""Steps and origins of work, by spans in memory; without a tracer they are nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from utils.tracing import MAX_ORIGINS, Origins, span, trace_by


@pytest.fixture
def ended() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace_by(provider.get_tracer("tests"))
    yield exporter
    trace_by(None)


def test_without_a_tracer_a_step_is_one_shared_nothing() -> None:
    assert span("a step", symbol="BTCUSDT") is span("another step")
    with span("a step") as step:
        step.note(items=3)
        step.fail("timeout")


def test_without_a_tracer_work_has_no_origin_and_is_done() -> None:
    origins = Origins()
    origins.note("key")
    with origins.span("store write", ["key"]):
        pass
    assert origins._by_key == {}


def test_error_is_named_by_its_class_alone(ended: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="a secret"), span("a step"):
        raise ValueError("a secret")
    (step,) = ended.get_finished_spans()
    assert step.attributes == {"error.type": "ValueError"}
    assert (step.status.is_ok, step.status.description, step.events) == (False, None, ())


def test_work_left_behind_is_a_child_of_each_of_its_origins(ended: InMemorySpanExporter) -> None:
    origins = Origins()
    for name in ("first", "second"):
        with span(name):
            origins.note(name)
    origins.note("of no step")
    with origins.span("store write", ["first", "second", "of no step"], items=3):
        pass
    spans = {step.name: step for step in ended.get_finished_spans()}
    parents = [step.parent for step in ended.get_finished_spans() if step.name == "store write"]
    assert {parent.span_id for parent in parents if parent} == {
        spans[name].context.span_id for name in ("first", "second")
    }
    assert len(parents) == 2


def test_work_that_fails_keeps_its_origin_until_it_is_done(ended: InMemorySpanExporter) -> None:
    origins = Origins()
    with span("request"):
        origins.note("key")
    with pytest.raises(ConnectionError), origins.span("store write", ["key"]):
        raise ConnectionError
    for _ in range(2):
        with origins.span("store write", ["key"]):
            pass
    writes = [step for step in ended.get_finished_spans() if step.name == "store write"]
    assert [write.status.is_ok for write in writes] == [False, True]


def test_origins_of_work_that_is_never_done_are_bounded(ended: InMemorySpanExporter) -> None:
    origins = Origins()
    with span("request"):
        for key in range(MAX_ORIGINS + 5):
            origins.note(key)
    assert len(origins._by_key) == MAX_ORIGINS
    with origins.span("store write", [0, MAX_ORIGINS]):
        pass
    assert [step.name for step in ended.get_finished_spans()] == ["request", "store write"]


async def test_a_task_is_a_part_of_the_step_that_starts_it(ended: InMemorySpanExporter) -> None:
    async def work() -> None:
        with span("task"):
            await asyncio.sleep(0)

    with span("request"):
        task = asyncio.create_task(work())
    await task
    request, inner = sorted(ended.get_finished_spans(), key=lambda step: step.name)
    assert inner.parent is not None
    assert inner.parent.span_id == request.context.span_id
