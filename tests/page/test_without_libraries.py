"""The page where its libraries are not installed: all of it works, with plain charts, and says what is missing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page, expect

from api.page_files import WEB_FOLDER
from tests.fixtures.exchange import exchange
from tests.fixtures.service import Service, running_service
from tests.page.conftest import SYMBOLS, Open, overflow, serious_findings

# The service as `python main.py` serves it, with the page of another folder.
SERVICE = """
import os
from functools import partial
from pathlib import Path

from api.app import create_app
from api.page_files import PageFiles
from api.server.serving import serve
from config.sources import load_settings

settings = load_settings()
app = create_app(settings)
app.state.page_files = PageFiles(Path(os.environ["PAGE_FOLDER"]))
serve(app, settings)
"""


@pytest.fixture(scope="module")
def plain_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run a service on whose machine no library of the page is installed."""
    folder = tmp_path_factory.mktemp("page") / "web"
    shutil.copytree(WEB_FOLDER, folder, ignore=shutil.ignore_patterns("vendor"))
    with (
        exchange() as market,
        running_service(
            "-c",
            SERVICE,
            PAGE_FOLDER=str(folder),
            ANALYSIS_SYMBOLS=",".join(SYMBOLS),
            PERIODIC_ANALYSIS="true",
            PERIODIC__PAUSE_SECONDS="0",
            MARKET_DATA_SOURCES="stored,binance",
            MARKET_DATA__BINANCE_URL=market.url,
            RATE_LIMITS="off",
        ) as service,
    ):
        yield service


def refused(page: Page) -> list[str]:
    """Return a list that gets each request that has no answer of success, from now on."""
    found: list[str] = []
    page.on("response", lambda answer: found.append(answer.url) if answer.status >= 400 else None)
    page.reload()
    return found


def test_the_board_shows_all_symbols_and_says_what_is_missing(plain_service: Service, open_view: Open) -> None:
    page = open_view(plain_service, "/#/board?order=symbol")
    missing = refused(page)
    expect(page.locator(".card strong")).to_have_text(sorted(SYMBOLS))
    for number in range(len(SYMBOLS)):
        card = page.locator(".card").nth(number)
        expect(card.locator(".signal")).to_have_text(re.compile("Long|Short|Neutral"))
        expect(card).to_contain_text(re.compile(r"0\.\d\d\s+confidence"))
        expect(card).to_contain_text(re.compile(r"expires in\s+2\d:\d\d"))
        expect(card).to_contain_text("binance")
        expect(card.locator(".sparkline path")).to_have_count(1)
    expect(page.locator(".heat .cell")).to_have_count(len(SYMBOLS))
    expect(page.locator(".live")).to_have_text("live")
    notice = page.get_by_text("The libraries of this page are not installed")
    expect(notice).to_contain_text("make setup")
    expect(notice).to_contain_text("npm")
    assert missing == []


def test_a_filter_and_arrow_keys_work_as_with_the_libraries(plain_service: Service, open_view: Open) -> None:
    page = open_view(plain_service, "/#/board?order=symbol")
    expect(page.locator(".card")).to_have_count(len(SYMBOLS))
    page.locator(".card").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".card:focus strong")).to_have_text("ETHUSDT")
    page.keyboard.press("/")
    page.keyboard.type("sol")
    expect(page.locator(".card strong")).to_have_text(["SOLUSDT"])
    assert page.url.endswith("#/board?order=symbol&text=sol")
    page.get_by_role("searchbox").fill("nothing of this name")
    page.get_by_role("button", name="Show all").click()
    expect(page.locator(".card")).to_have_count(len(SYMBOLS))


def test_a_symbol_has_its_candles_levels_indicators_and_reasons(plain_service: Service, open_view: Open) -> None:
    page = open_view(plain_service, "/#/symbol/BTCUSDT")
    missing = refused(page)
    chart = page.locator(".plain-chart")
    expect(chart.locator(".body").nth(90)).to_be_attached()
    expect(chart.locator(".pane")).to_have_count(2)
    expect(chart.locator(".level text").first).to_have_text(re.compile(r"\w+ [\d.,]+"))
    page.get_by_role("button", name="RSI").click()
    expect(chart.locator(".pane")).to_have_count(1)
    page.get_by_role("link", name="4h").click()
    expect(page.get_by_role("link", name="4h")).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("region", name="The newest signal")).to_contain_text("Independent plans")
    expect(page.get_by_role("region", name="Guards of this signal").get_by_role("row")).to_have_count(10)
    # A model that is not trained has no forecast: the view does without.
    assert [url for url in missing if "/predict/" not in url] == []


def test_candles_are_pointed_at_and_spoken(plain_service: Service, open_view: Open) -> None:
    page = open_view(plain_service, "/#/symbol/BTCUSDT")
    chart = page.locator(".plain-chart")
    expect(chart.locator(".body").nth(90)).to_be_attached()
    newest = page.locator(".legend time").inner_text()
    chart.hover(position={"x": 200, "y": 100})
    expect(page.locator(".legend time")).not_to_have_text(newest)
    expect(chart.locator(".crosshair")).to_have_count(1)
    page.mouse.move(0, 0)
    expect(page.locator(".legend time")).to_have_text(newest)
    page.get_by_role("application").press("ArrowLeft")
    expect(page.locator("#announcer")).to_have_text(re.compile(r"(up|down|flat), open [\d.,]+, high"))


def test_the_other_views_work_too(plain_service: Service, open_view: Open) -> None:
    page = open_view(plain_service, "/#/record?section=entries")
    expect(page.locator("tbody tr").nth(2)).to_be_visible()
    page.get_by_role("link", name="Operations").click()
    expect(page.get_by_label("Administrator's token")).to_be_visible()
    page.get_by_role("link", name="Try it").click()
    page.get_by_label("Symbol", exact=True).fill("ethusdt")
    page.get_by_role("button", name="Use this market").click()
    expect(page.get_by_role("region", name="The newest signal").locator(".signal")).to_be_visible()
    assert page.url.endswith("#/try?symbol=ETHUSDT")


@pytest.mark.parametrize("place", ["symbol/BTCUSDT", "record"])
@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 390)])
def test_everyone_can_use_it(plain_service: Service, open_view: Open, place: str, scheme: str, width: int) -> None:
    page = open_view(plain_service, f"/#/{place}", width=width, scheme=scheme)
    expect(page.locator(".plain-chart .body, .record .empty").first).to_be_attached()
    assert serious_findings(page) == []
    assert overflow(page) == 0


_DRAWN = (Path(__file__).parent / "drawn_states.js").read_text()
_ORDERS = st.lists(st.lists(st.sampled_from("abcdef"), unique=True, max_size=6), min_size=1, max_size=6)


@pytest.fixture
def blank(market_service: Service, open_view: Open) -> Page:
    """A page of a service that has the libraries."""
    return open_view(market_service, "/#/try")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states=_ORDERS)
def test_the_stand_in_draws_what_the_library_draws(blank: Page, states: list[list[str]]) -> None:
    drawn = (
        blank.evaluate(_DRAWN, [f"/web/{name}", states]) for name in ("vendor/htm-preact.mjs", "plain/stand_in.js")
    )
    for by_library, by_stand_in in zip(*drawn, strict=True):
        for theirs, ours in zip(by_library, by_stand_in, strict=True):
            assert ours == theirs
