"""Counters of errors before the first error: a rate in Prometheus starts from the first sample."""

from __future__ import annotations

import subprocess
import sys

import pytest
from prometheus_client import Counter

from utils import metrics

# In a process of its own: another test may have counted already.
SERIES = """
import asyncio, sys
from prometheus_client import generate_latest
from config.sources import load_settings
from services.llm.parts import open_llm
from services.market_data.health import SourceHealth
from domain.analysis import DataSource
from utils.clock import SystemClock

class Nothing:
    def first(self, work): pass

async def main():
    async with open_llm(load_settings(environment={}).llm, Nothing(), SystemClock()):
        SourceHealth(DataSource.BINANCE, lambda: 0.0)
        sys.stdout.buffer.write(generate_latest())

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def fresh() -> dict[str, str]:
    """Return the samples of a process that has made its LLM parts and one source, and done nothing."""
    done = subprocess.run([sys.executable, "-c", SERIES], check=True, capture_output=True, text=True)
    lines = (line.rpartition(" ") for line in done.stdout.splitlines() if not line.startswith("#"))
    return {name: value for name, _, value in lines}


@pytest.mark.parametrize(
    "series",
    [
        'openai_errors_total{reason="timeout"}',
        'openai_errors_total{reason="server_error"}',
        'gpt4_api_failures_total{error="quota"}',
        'gpt4_api_failures_total{error="empty"}',
        'gpt4_api_failures_total{error="invalid_reply"}',
        'llm_outcomes_total{outcome="no_key"}',
        'llm_outcomes_total{outcome="answered"}',
        'llm_fallbacks_total{reason="budget"}',
        'llm_fallbacks_total{reason="invalid_reply"}',
        'store_writes_lost_total{reason="full"}',
        'store_writes_lost_total{reason="refused"}',
        'http_refusals_total{reason="body_too_slow"}',
        'candle_revisions_total{outcome="refused"}',
        'jobs_total{kind="train",status="failed"}',
        'log_lines_dropped_total{log="stderr"}',
        'market_data_requests_total{outcome="failed",source="binance"}',
    ],
)
def test_a_counter_of_errors_is_there_before_the_first_error(fresh: dict[str, str], series: str) -> None:
    assert fresh[series] == "0.0"


def values(counter: Counter, **labels: str) -> dict[str, float]:
    """Return the totals by outcome of the series with these labels."""
    samples = (sample for family in counter.collect() for sample in family.samples if sample.name.endswith("_total"))
    return {sample.labels["outcome"]: sample.value for sample in samples if labels.items() <= sample.labels.items()}


def test_the_first_outcome_of_a_store_operation_brings_the_others() -> None:
    metrics.store_operation("sqlite", "an_operation", "ok").inc()
    counted = values(metrics.STORE_OPERATIONS, store="sqlite", operation="an_operation")
    assert counted == {"ok": 1, "failed": 0, "skipped": 0}
    metrics.mongodb_operation("an_operation", "ok").inc()
    assert values(metrics.MONGODB_OPERATIONS, operation="an_operation") == {"ok": 1, "failed": 0}
