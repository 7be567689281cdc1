"""A gauge before its first value."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from utils.metrics import MeasuredGauge


def test_a_gauge_has_a_type_and_no_sample_until_its_value_is_known() -> None:
    registry = CollectorRegistry()
    gauge = MeasuredGauge("accuracy", "Of signals.", registry)
    before = generate_latest(registry).decode()
    assert "# TYPE accuracy gauge" in before
    assert registry.get_sample_value("accuracy") is None
    for value in (0.75, 0.0):
        gauge.set(value)
        assert registry.get_sample_value("accuracy") == value
