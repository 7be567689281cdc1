"""The newest lines of the log in memory: bounded, in order, without secrets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from loguru import logger

from config.server_settings import LoggingSettings
from tests.fixtures.settings import configured
from utils.log_tail import MAX_CHARACTERS, LogTail
from utils.logging import configure_logging

SECRET = "correct-horse-battery"  # noqa: S105
Configure = Callable[..., LogTail]


@pytest.fixture
def configure() -> Iterator[Configure]:
    """Return a function that configures logging and gives the tail of it."""

    def start(**changes: object) -> LogTail:
        tail = configure_logging(configured(LoggingSettings, **changes), [SECRET]).tail
        assert tail is not None
        return tail

    yield start
    logger.remove()


def fail_with(text: str) -> None:
    raise ValueError(text)


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_stays_in_memory(configure: Configure, form: str) -> None:
    tail = configure(format=form)
    logger.info("token {}", SECRET)
    logger.bind(token=SECRET, url="mongodb://operator:hunter22@db.example/name", object=[SECRET]).warning("bound")
    try:
        fail_with(SECRET)
    except ValueError:
        logger.exception("failed")
    lines = tail.newest(10)
    assert [line.message for line in lines] == ["failed", "bound", "token ***"]
    assert "ValueError" in (lines[0].exception or "")
    shown = json.dumps([str(line) for line in lines])
    assert SECRET not in shown
    assert "hunter22" not in shown
    # Facts are values of JSON, whatever was bound.
    json.dumps([line.facts for line in lines], allow_nan=False)


def test_only_the_newest_lines_stay(configure: Configure) -> None:
    tail = configure(tail_lines=3)
    for number in range(10):
        logger.info("line {}", number)
    assert [line.message for line in tail.newest(100)] == ["line 9", "line 8", "line 7"]
    assert [line.message for line in tail.newest(2)] == ["line 9", "line 8"]


def test_lines_are_wanted_from_a_severity_on_and_none_below_that_of_the_log(configure: Configure) -> None:
    tail = configure(level="INFO")
    logger.debug("too quiet")
    logger.error("error")
    logger.info("info")
    logger.warning("warning")
    assert [line.level for line in tail.newest(10)] == ["WARNING", "INFO", "ERROR"]
    assert [line.level for line in tail.newest(10, 30)] == ["WARNING", "ERROR"]
    assert [line.level for line in tail.newest(1, 40)] == ["ERROR"]


def test_long_texts_are_cut(configure: Configure) -> None:
    tail = configure()
    logger.bind(body="b" * 2 * MAX_CHARACTERS).info("m" * 2 * MAX_CHARACTERS)
    (line,) = tail.newest(1)
    assert (len(line.message), len(line.facts["body"])) == (MAX_CHARACTERS, MAX_CHARACTERS)
