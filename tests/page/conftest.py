"""The page in a real browser, on a real service that trades on an exchange of invented markets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.fixtures.exchange import exchange
from tests.fixtures.patience import PATIENCE_SECONDS
from tests.fixtures.service import Service, running_service

CHROMIUM = "/usr/bin/chromium-headless-shell"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
NAMED_BY_THE_BROWSER = ("Failed to load resource", "WebSocket connection to")
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
# The default is five seconds, which a busy machine takes now and then.
expect.set_options(timeout=PATIENCE_SECONDS * 1_000)
# Opens a view of the page: path after the service's address, width in pixels, dark or light.
Open = Callable[..., Page]


@pytest.fixture(scope="package")
def market_service() -> Iterator[Service]:
    """Run a service with the loop over three markets of the exchange."""
    with (
        exchange() as market,
        running_service(
            ANALYSIS_SYMBOLS=",".join(SYMBOLS),
            PERIODIC_ANALYSIS="true",
            PERIODIC__PAUSE_SECONDS="0",
            MARKET_DATA_SOURCES="stored,binance",
            MARKET_DATA__BINANCE_URL=market.url,
            # Trainings on the page are there to be watched, not to be good.
            MODELS__TRAINING__HISTORY_CANDLES="2000",
            MODELS__EVALUATION__FOLDS="1",
            RATE_LIMITS="off",
        ) as service,
    ):
        yield service


# Not of the session, since Playwright's loop is in the way of the loops of other tests.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)


@pytest.fixture
def open_view(browser: Browser) -> Iterator[Open]:
    """Open views; at the end no script has failed, and nothing was asked of another host."""
    pages: list[Page] = []
    failures: list[str] = []
    hosts: set[str] = set()

    def hear(message: ConsoleMessage) -> None:
        # What the service refuses, or that it is away, is shown in the view; the browser names it here as well.
        if message.type == "error" and not message.text.startswith(NAMED_BY_THE_BROWSER):
            failures.append(message.text)

    def open_one(
        service: Service, path: str = "/", width: int = 1280, scheme: Literal["dark", "light"] = "dark"
    ) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        page.on("console", hear)
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        pages.append(page)
        page.goto(service.url + path)
        hosts.discard(urlsplit(service.url).netloc)
        return page

    yield open_one
    own = {urlsplit(page.url).netloc for page in pages}
    for page in pages:
        page.context.close()
    assert failures == []
    assert hosts - own - {""} == set()


def serious_findings(page: Page) -> list[str]:
    """Return what axe-core finds that keeps people out: serious and critical violations."""
    found = Axe().run(page).response["violations"]
    return [
        f"{violation['id']}: {violation['nodes'][0]['target']} {violation['nodes'][0]['failureSummary']}"
        for violation in found
        if violation["impact"] in {"serious", "critical"}
    ]


def broad_tables(page: Page) -> list[str]:
    """Return the tables that are broader than their frames, by name."""
    frames: list[str] = page.evaluate(
        """[...document.querySelectorAll(".table-frame")].filter((frame) => frame.scrollWidth > frame.clientWidth)
            .map((frame) => frame.getAttribute("aria-label"))"""
    )
    return frames


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width
