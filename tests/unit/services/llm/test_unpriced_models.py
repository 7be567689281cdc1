"""The start names the models that no budget stops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.sources import load_settings
from services.llm.parts import open_llm
from storage.factory import open_documents
from utils.clock import SystemClock

pytest_plugins = ["tests.fixtures.logs"]

FREE = {"qwen3:8b": {"prices": {"input": 0, "cached_input": 0, "output": 0}}}
NO_STOPS = {"daily_stop_usd": None, "monthly_stop_usd": None}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"model": "openai/gpt-4o-mini"}, "openai/gpt-4o-mini"),
        ({"fallback_models": ["qwen3:8b"]}, "qwen3:8b"),
        ({}, None),
        ({"model": "qwen3:8b", "models": FREE, "fallback_models": []}, None),
        ({"model": "qwen3:8b", "budgets": NO_STOPS}, None),
        ({"model": "qwen3:8b", "base_url": ""}, None),
    ],
    ids=["another name", "a fallback", "priced", "free", "no stop", "no LLM"],
)
async def test_a_model_without_prices_is_named_where_a_stop_is_set(
    tmp_path: Path, log_facts: list[str], changes: dict[str, Any], named: str | None
) -> None:
    section = {"base_url": "http://127.0.0.1:9/v1", **changes}
    settings = load_settings(
        environment={}, overrides={"llm": section, "storage": {"url": f"sqlite:///{tmp_path}/store.db"}}
    )
    async with open_documents(settings.storage) as documents, open_llm(settings.llm, documents, SystemClock()):
        warnings = [line for line in log_facts if "no budget stops" in line]
    assert [f"'{named}'" in line for line in warnings] == ([True] if named else [])
