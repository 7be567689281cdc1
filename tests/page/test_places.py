"""Addresses, titles and the way back; and that the frame fits the smallest screens."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.fixtures.service import Service
from tests.page.conftest import SYMBOLS, Open, overflow

VIEWS = ("/#/board", "/#/symbol/BTCUSDT", "/#/record", "/#/operations", "/#/operations?section=jobs", "/#/try")


def focused(page: Page) -> str:
    """Return the id of what has the focus, or its tag."""
    found: str = page.evaluate("document.activeElement.id || document.activeElement.tagName")
    return found


def wait_until(page: Page, condition: str) -> None:
    """Wait in the page itself, whose policy lets nothing be evaluated later."""
    page.evaluate(
        "() => new Promise((found) => {"
        f"const look = () => (({condition}) ? found() : requestAnimationFrame(look)); look(); }})"
    )


def test_each_place_has_a_title_of_its_own(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service)
    expect(page).to_have_title("Board · Trading signals")
    page.get_by_role("link", name="Record", exact=True).click()
    expect(page).to_have_title("Record · Trading signals")
    page.goto(f"{market_service.url}/#/symbol/ETHUSDT")
    expect(page).to_have_title("ETHUSDT · Trading signals")


def test_the_way_back_leads_to_where_the_reader_was(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service, "/#/board?order=symbol", width=390)
    last = page.locator(".card").nth(len(SYMBOLS) - 1)
    last.scroll_into_view_if_needed()
    wait_until(page, "history.state && history.state.scrolled === scrollY && scrollY > 0")
    left = page.evaluate("scrollY")
    last.click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Board")
    wait_until(page, "scrollY === 0")
    assert focused(page) == "main"
    page.go_back()
    expect(page.locator(".card").first).to_be_attached()
    wait_until(page, f"Math.abs(scrollY - {left}) < 2")


def test_the_first_stop_of_the_tab_key_leads_past_the_head_and_stays_in_the_view(
    market_service: Service, open_view: Open
) -> None:
    page = open_view(market_service, "/#/try")
    expect(page.get_by_role("heading", level=1)).to_have_text("Try it")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.keyboard.press("Enter")
    assert focused(page) == "main"
    assert page.url.endswith("/#/try")
    expect(page.get_by_role("heading", level=1)).to_have_text("Try it")


def test_the_way_back_by_the_keyboard_stays_clear_of_the_head(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service, "/#/operations?section=switches")
    page.set_viewport_size({"width": 1280, "height": 640})
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)
    page.locator("footer a").last.focus()
    passed = 0
    while page.evaluate("document.activeElement.closest('main, footer') !== null"):
        hidden = page.evaluate(
            """document.activeElement.getBoundingClientRect().bottom
                <= document.querySelector("header").getBoundingClientRect().bottom"""
        )
        assert not hidden, page.locator(":focus").inner_text()
        page.keyboard.press("Shift+Tab")
        passed += 1
    assert passed > 5


def test_the_head_leaves_a_low_screen_to_the_view(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service, "/#/symbol/BTCUSDT")
    # As 200 % of a screen of 1440 by 900 pixels is.
    page.set_viewport_size({"width": 720, "height": 450})
    expect(page.locator(".headline")).to_be_visible()
    page.evaluate("scrollTo(0, 400)")
    expect(page.locator("header")).not_to_be_in_viewport()


def test_the_head_is_printed_above_the_view(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service, "/#/symbol/BTCUSDT")
    expect(page.locator(".headline")).to_be_visible()
    page.evaluate("scrollTo(0, 400)")
    page.emulate_media(media="print")
    expect(page.locator("header")).not_to_be_in_viewport()


def test_the_strip_is_no_stop_of_the_tab_key(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service)
    expect(page.locator(".heat .cell").first).to_be_visible()
    page.locator(".choices button").last.focus()
    page.keyboard.press("Tab")
    assert focused(page) == "INPUT"


def test_an_address_that_was_cut_off_shows_a_page(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service, "/#/symbol/%E0%A4%A")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("alert").first).to_contain_text("symbol")


def test_a_symbol_may_be_typed_in_small_letters(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service, "/#/symbol/btcusdt")
    expect(page.locator(".headline .signal")).to_be_visible()


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_and_the_whole_head_fit_320_pixels(market_service: Service, open_view: Open, view: str) -> None:
    page = open_view(market_service, view, width=320)
    expect(page.get_by_role("heading", level=1)).to_be_attached()
    expect(page.locator(".skeleton")).to_have_count(0)
    assert overflow(page) == 0
    assert page.evaluate("(nav => nav.scrollWidth - nav.clientWidth)(document.querySelector('header nav'))") == 0


def test_the_head_shows_every_view_in_large_letters(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service, width=1280)
    expect(page.get_by_role("link", name="Try it")).to_be_visible()
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("(nav => nav.scrollWidth - nav.clientWidth)(document.querySelector('header nav'))") == 0
    assert overflow(page) == 0


def test_words_are_english_and_figures_as_the_browser_writes_them(market_service: Service, browser: Browser) -> None:
    context = browser.new_context(locale="de-DE")
    page = context.new_page()
    page.goto(market_service.url)
    card = page.locator(".card").first
    expect(card.locator("time")).to_contain_text("ago")
    expect(card.locator(".confidence")).to_contain_text("0,")
    expect(page.locator(".reading summary")).to_contain_text("Confidence 0,50")
    context.close()
