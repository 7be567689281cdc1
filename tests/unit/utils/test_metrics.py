"""Metrics before their first value: a gauge is absent, counters of failures are 0."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, generate_latest

from utils.metrics import MeasuredGauge, exist


def test_a_gauge_has_a_type_and_no_sample_until_its_value_is_known() -> None:
    registry = CollectorRegistry()
    gauge = MeasuredGauge("accuracy", "Of signals.", registry)
    before = generate_latest(registry).decode()
    assert "# TYPE accuracy gauge" in before
    assert registry.get_sample_value("accuracy") is None
    for value in (0.75, 0.0):
        gauge.set(value)
        assert registry.get_sample_value("accuracy") == value


def test_series_of_a_counter_exist_with_0_for_every_combination_of_labels() -> None:
    registry = CollectorRegistry()
    counter = Counter("calls", "Of a store.", ["operation", "outcome"], registry=registry)
    counter.labels("save", "ok").inc(3)
    exist(counter, ("save", "read"), ("ok", "failed"))
    found = {
        (operation, outcome): registry.get_sample_value("calls_total", {"operation": operation, "outcome": outcome})
        for operation in ("save", "read")
        for outcome in ("ok", "failed")
    }
    assert found == {("save", "ok"): 3, ("save", "failed"): 0, ("read", "ok"): 0, ("read", "failed"): 0}
