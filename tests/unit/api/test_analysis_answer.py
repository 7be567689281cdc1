"""The answer for an analysis that an earlier release stored."""

from __future__ import annotations

import json

import pytest

from api.schemas.responses import render_analysis
from domain.analysis import Analysis
from tests.fixtures.analyses import make_analysis


@pytest.mark.parametrize("engine", [False, True])
def test_an_analysis_without_lanes_is_read_and_says_so(engine: bool) -> None:
    stored = make_analysis().model_dump_json(exclude={"lanes", "rules"})
    answer = json.loads(render_analysis(Analysis.model_validate_json(stored), cached=True, engine=engine))
    assert answer["lanes"] is None
    assert answer["reasoning"].startswith("[RECENT] ")
    assert "rules" not in answer
