"""The log file of a running service, as a program reads it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.fixtures.bodies import shape_a
from tests.fixtures.service import running_service


def test_every_analysis_is_one_line_of_json_and_an_answer_of_the_cache_is_none(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "service.log"
    with running_service(LOG_FILE=str(file), LOG_FORMAT="json") as service:
        bodies = [shape_a(seed=seed, symbol=f"COIN{seed}USDT") for seed in (1, 2, 3)]
        answers = [service.post("/ai/analyze", json=body).json() for body in [*bodies, bodies[0]]]
        service.stop()
    assert [answer["cached"] for answer in answers] == [False, False, False, True]
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    made = [line for line in lines if line["message"] == "analysis completed"]
    for line, answer in zip(made, answers[:3], strict=True):
        for key in ("analysis_id", "symbol", "timeframe", "signal", "confidence", "source", "source_data"):
            assert line[key] == answer[key]
        assert line["seconds"] > 0
        assert line["request_id"]
