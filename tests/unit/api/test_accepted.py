"""Which form of an answer a client would like."""

from __future__ import annotations

import pytest

from api.accepted import prefers_html, quality_of

FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
CHROME = f"{FIREFOX.removesuffix(';q=0.8')};q=0.8,application/signed-exchange;v=b3;q=0.7"


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        (FIREFOX, True),
        (CHROME, True),
        ("text/html", True),
        ("text/*", True),
        ("TEXT/HTML", True),
        ("text/html, application/json;q=0.9", True),
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("application/json, text/plain, */*", False),
        ("application/json, text/html", False),
        ("text/html;q=0.5, application/json", False),
        ("text/html;q=0", False),
        ("text/html;q=0, */*", False),
        ("text/html;q=many", False),
        ("text/html;q=nan", False),
        (";;,=,", False),
    ],
)
def test_only_those_who_prefer_html_get_the_page(accept: str, page: bool) -> None:
    assert prefers_html(accept) is page


@pytest.mark.parametrize(
    ("accepted", "wanted"),
    [
        ("gzip, deflate, br", 1.0),
        ("br;q=1.0, gzip;q=0.5", 0.5),
        ("*", 1.0),
        ("*;q=0.1, gzip; q=0", 0.0),
        ("identity", 0.0),
        ("xgzip", 0.0),
        ("", 0.0),
    ],
)
def test_the_most_exact_range_tells_how_much_a_coding_is_wanted(accepted: str, wanted: float) -> None:
    assert quality_of("gzip", accepted) == wanted
