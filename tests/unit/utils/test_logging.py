"""Logging: one line per event, no secret in any of them, and nothing that waits for where they go."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from loguru import logger

from config.server_settings import LoggingSettings
from tests.fixtures.settings import configured
from utils.logging import Logs, configure_logging

if TYPE_CHECKING:
    from tests.fixtures.small_disk import SmallDisk

pytest_plugins = ["tests.fixtures.small_disk"]

SECRET = "correct-horse-battery"  # noqa: S105
ESCAPED = 'pass"word\\ü'

Configure = Callable[..., Logs]
Lines = Callable[[], str]


@pytest.fixture
def configure() -> Iterator[Configure]:
    """Return a function that configures logging; its sinks are removed at the end of the test."""
    yield lambda **changes: configure_logging(configured(LoggingSettings, **changes), [SECRET, ESCAPED])
    logger.remove()


@pytest.fixture
def lines(capfd: pytest.CaptureFixture[str], configure: Configure) -> Lines:
    """Configure logging, and return what gives everything that was written to standard error since."""
    logs = configure()

    def read() -> str:
        assert logs.writers[0].drained(10)
        return capfd.readouterr().err

    return read


def raise_with(text: str) -> None:
    raise ValueError(text)


def test_no_secret_reaches_a_line_by_any_way(lines: Lines) -> None:
    logger.info("token {}", SECRET)
    logger.bind(token=SECRET).warning("bound")
    logging.getLogger("some.library").warning("library says %s", SECRET)
    logger.info("mongodb://operator:hunter22@db.example/name")
    logger.info("Authorization: Bearer abc.def.ghi")
    try:
        raise_with(SECRET)
    except ValueError:
        logger.exception("failed")
    output = lines()
    for hidden in (SECRET, "hunter22", "operator", "abc.def.ghi"):
        assert hidden not in output
    assert "library says ***" in output
    assert "ValueError: ***" in output
    assert "mongodb://***@db.example/name" in output


def test_facts_stand_behind_the_text(lines: Lines) -> None:
    logger.bind(symbol="BTCUSDT", seconds=0.5).info("analysis completed")
    line = lines().strip()
    assert "analysis completed symbol=BTCUSDT seconds=0.5" in line
    assert "\n" not in line


@pytest.mark.parametrize("text", ["{0.__class__}", "<red>x</red>", "{", "100%s"])
def test_text_that_looks_like_a_template_is_text(text: str, lines: Lines) -> None:
    logger.info(text)
    logger.bind(fact=text).info("bound")
    assert lines().count(text) == 2


def test_control_characters_of_a_request_cannot_forge_a_line(lines: Lines) -> None:
    logger.bind(path="/a\n2026 ERROR forged\x1b[31m", trade_id="t1\u202edewollof\u2066").info("first\r\nsecond")
    output = lines()
    assert output.count("\n") == 1
    assert set("\x1b\u202e\u2066").isdisjoint(output)


def test_times_are_utc_wherever_the_machine_is(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        logger.info("now")
        shown = datetime.fromisoformat(lines().split(" INFO ")[0])
    finally:
        monkeypatch.undo()
        time.tzset()
    assert shown.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - shown) < timedelta(minutes=5)


def test_lines_below_the_level_are_not_written(lines: Lines) -> None:
    logger.debug("hidden")
    assert lines() == ""


def test_json_is_one_object_per_line_without_secrets(configure: Configure, capfd: pytest.CaptureFixture[str]) -> None:
    logs = configure(format="json")
    path = Path("/data/x")
    logger.bind(symbol="BTCUSDT", seconds=0.5, share=float("nan"), path=path, tried=[SECRET]).info('said "{}"', ESCAPED)
    try:
        raise_with(f"{ESCAPED} and {SECRET}\n{{braces}}")
    except ValueError:
        logger.exception("failed")
    assert logs.writers[0].drained(10)
    output = capfd.readouterr().err
    first, second = (json.loads(line) for line in output.splitlines())
    assert (first["level"], first["message"], first["logger"]) == ("INFO", 'said "***"', __name__)
    assert (first["symbol"], first["seconds"], first["share"], first["path"]) == ("BTCUSDT", 0.5, "nan", "/data/x")
    assert first["tried"] == "['***']"
    assert first["time"].endswith("+00:00")
    assert second["exception"].endswith("ValueError: *** and ***\n{braces}\n")
    assert "exception" not in first


def test_the_file_holds_what_standard_error_shows_and_rotates(
    configure: Configure, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "logs" / "service.log"
    logs = configure(file=str(file), file_rotation_bytes=65_536, file_retention=2)
    for number in range(3000):
        logger.bind(number=number).info("a line {of} text with " + SECRET)
    assert all(writer.drained(10) for writer in logs.writers)
    kept = sorted(file.parent.iterdir())
    assert len(kept) == 3
    assert max(path.stat().st_size for path in kept) <= 65_536
    newest = file.read_text().splitlines()
    assert newest == capfd.readouterr().err.splitlines()[-len(newest) :]
    assert "a line {of} text with *** number=2999" in newest[-1]
    assert {state.dropped for state in logs.states()} == {0}


@pytest.mark.parametrize("form", ["text", "json"])
def test_text_without_a_form_in_utf_8_does_not_end_the_file(form: str, configure: Configure, tmp_path: Path) -> None:
    logs = configure(file=str(tmp_path / "service.log"), format=form)
    logger.bind(reason="half of a pair \ud83d").warning("refused")
    logger.info("goes on")
    assert all(writer.drained(10) for writer in logs.writers)
    refused, goes_on = (tmp_path / "service.log").read_text().splitlines()
    assert "half of a pair \\ud83d" in refused
    assert "goes on" in goes_on


def test_an_unread_pipe_drops_lines_keeps_errors_and_logs_the_loss_later(
    configure: Configure, capfd: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    standard_error = os.dup(2)
    # A full pipe: otherwise a part of the loss could be told while lines are still dropped.
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b"\n" * 4_096)
    os.set_blocking(writing, True)
    os.dup2(writing, 2)
    os.close(writing)
    try:
        logs = configure(max_waiting_bytes=65_536)
        for number in range(5_000):
            logger.bind(number=number).info("x" * 100)
        logger.error("the reason")
        (state,) = logs.states()
        assert 3_000 < state.dropped == state.missing
        told = b""
        while b"log lines were dropped" not in told:
            told += os.read(reading, 65_536)
    finally:
        os.dup2(standard_error, 2)
        os.close(standard_error)
    output = told.decode()
    assert "the reason" in output
    assert f"lines={state.dropped}" in output
    assert output.count("x" * 100) == 5_000 - state.dropped
    (state,) = logs.states()
    assert (state.missing, state.reason) == (0, None)
    os.close(reading)


def test_a_full_disk_loses_lines_of_the_file_alone_and_heals(
    configure: Configure, small_disk: SmallDisk, capfd: pytest.CaptureFixture[str]
) -> None:
    file = small_disk.folder / "service.log"
    logs = configure(file=str(file))
    logger.info("before")
    errors, kept = logs.writers
    assert kept.drained(10)
    with small_disk.full():
        for number in range(100):
            logger.bind(number=number).info("x" * 100)
        assert kept.drained(10)
        state = kept.state()
        assert state.missing > 0
        assert state.reason == "No space left on device"
    logger.info("after")
    assert kept.drained(10)
    assert errors.drained(10)
    assert (kept.state().missing, errors.state().dropped) == (0, 0)
    assert capfd.readouterr().err.count("x" * 100) == 100
    assert "log lines were dropped" in file.read_text()


@pytest.mark.parametrize("place", ["is_a_folder", "no_folder/below/a_file"])
def test_a_file_that_cannot_be_opened_is_named_and_stops_nothing(
    place: str, configure: Configure, tmp_path: Path
) -> None:
    (tmp_path / "is_a_folder").mkdir()
    (tmp_path / "no_folder").write_text("a file")
    logs = configure(file=str(tmp_path / place))
    logger.info("a line")
    assert logs.writers[1].drained(10)
    state = logs.writers[1].state()
    assert (state.dropped, state.reason is None) == (1, False)
