"""Logging: one line per event, and no secret in any of them."""

from __future__ import annotations

import logging

import pytest
from loguru import logger

from config.settings import LoggingSettings
from utils.logging import configure_logging

SECRET = "correct-horse-battery"  # noqa: S105


@pytest.fixture(autouse=True)
def configured(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LoggingSettings(level="INFO"), [SECRET])


def raise_with(text: str) -> None:
    raise ValueError(text)


def test_no_secret_reaches_a_line_by_any_way(capsys: pytest.CaptureFixture[str]) -> None:
    logger.info("token {}", SECRET)
    logger.bind(token=SECRET).warning("bound")
    logging.getLogger("some.library").warning("library says %s", SECRET)
    logger.info("mongodb://operator:hunter22@db.example/name")
    logger.info("Authorization: Bearer abc.def.ghi")
    try:
        raise_with(SECRET)
    except ValueError:
        logger.exception("failed")
    output = capsys.readouterr().err
    for hidden in (SECRET, "hunter22", "operator", "abc.def.ghi"):
        assert hidden not in output
    assert "library says ***" in output
    assert "ValueError: ***" in output
    assert "mongodb://***@db.example/name" in output


def test_facts_stand_behind_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    logger.bind(symbol="BTCUSDT", seconds=0.5).info("analysis completed")
    line = capsys.readouterr().err.strip()
    assert "analysis completed symbol=BTCUSDT seconds=0.5" in line
    assert "\n" not in line


@pytest.mark.parametrize("text", ["{0.__class__}", "<red>x</red>", "{", "100%s"])
def test_text_that_looks_like_a_template_is_text(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    logger.info(text)
    logger.bind(fact=text).info("bound")
    output = capsys.readouterr().err
    assert output.count(text) == 2


def test_control_characters_of_a_request_cannot_forge_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    logger.bind(path="/a\n2026 ERROR forged\x1b[31m").info("first\r\nsecond")
    output = capsys.readouterr().err
    assert output.count("\n") == 1
    assert "\x1b[31m" not in output


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    logger.debug("hidden")
    assert capsys.readouterr().err == ""
