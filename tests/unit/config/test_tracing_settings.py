"""Settings of traces: off by default, and what they refuse."""

from __future__ import annotations

import pytest

from config.sources import load_settings
from domain.errors import ConfigurationError


def test_traces_are_off_by_default() -> None:
    assert load_settings(environment={}).tracing.endpoint == ""


def test_address_and_headers_come_from_the_environment() -> None:
    tracing = load_settings(
        environment={"OTLP_ENDPOINT": "https://traces.example/v1/traces", "OTLP_HEADERS": "X-Key=a=b, tenant=one"}
    ).tracing
    assert tracing.endpoint == "https://traces.example/v1/traces"
    assert tracing.header_values() == {"x-key": "a=b", "tenant": "one"}
    assert "a=b" not in repr(tracing)


@pytest.mark.parametrize("headers", ["sk-1", "=value", "name=", "na me=value", "name=val\nue", "name=ä", "a=b,"])
def test_what_is_no_list_of_headers_is_refused_without_repeating_it(headers: str) -> None:
    with pytest.raises(ConfigurationError, match="needs headers such as") as refused:
        load_settings(environment={"OTLP_HEADERS": headers})
    assert headers not in str(refused.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("endpoint", "localhost:4318"), ("sample_share", 1.1), ("timeout_seconds", 0), ("max_waiting_spans", 0)],
)
def test_values_out_of_bounds_are_refused_by_name(key: str, value: str | float) -> None:
    with pytest.raises(ConfigurationError, match=f"tracing.{key}"):
        load_settings(environment={}, overrides={"tracing": {key: value}})
