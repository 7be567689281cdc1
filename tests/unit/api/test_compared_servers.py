"""What the service is compared with in benchmarks answers as the service does."""

from __future__ import annotations

from api.schemas.responses import AnalyzeResponse
from benchmarks.serving.servers import ANSWER


def test_the_constant_answer_has_every_key_of_an_analysis() -> None:
    assert AnalyzeResponse.model_validate(ANSWER).model_dump().keys() == ANSWER.keys()
