"""Warnings that clients cause."""

from __future__ import annotations

from loguru import logger

from utils.client_warnings import MAX_LINES, WINDOW_SECONDS, ClientWarnings


def test_of_each_kind_a_few_lines_are_logged_in_a_window_and_the_next_one_tells_how_many_were_left_out() -> None:
    now, lines = 0.0, list[str]()
    number = logger.add(lambda line: lines.append(line.rstrip()), format="{message} {extra}")
    warnings = ClientWarnings(lambda: now)
    try:
        for _ in range(MAX_LINES + 3):
            warnings.warn("refused", "full", path="/a")
        warnings.warn("refused", "down", path="/b")
        assert lines == ["refused {'path': '/a'}"] * MAX_LINES + ["refused {'path': '/b'}"]
        now = WINDOW_SECONDS
        warnings.warn("refused", "full", path="/c")
        warnings.warn("refused", "full", path="/d")
        assert lines[-2:] == ["refused {'path': '/c', 'left_out': 3}", "refused {'path': '/d'}"]
    finally:
        logger.remove(number)
