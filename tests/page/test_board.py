"""The board, as a person sees it."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from features.candle_reading.writing import COLUMNS
from tests.fixtures.bodies import now_ms, shape_b
from tests.fixtures.candle_exports import HOUR, REFERENCE
from tests.fixtures.service import Service, running_service
from tests.page.conftest import SYMBOLS, Open, overflow, serious_findings

INVENTED: dict[str, Any] = {
    "ANALYSIS_SYMBOLS": "BTCUSDT",
    "PERIODIC_ANALYSIS": "true",
    "MARKET_DATA_SOURCES": "synthetic",
}
# Three years back, so that they are past by any clock.
PAST = [(candle.timestamp - 3 * 8760 * HOUR, *candle[1:]) for candle in REFERENCE]
ANY_SIDE = re.compile("Long|Short|Neutral")


def card_of(page: Page, symbol: str) -> Locator:
    return page.locator(".card", has=page.get_by_text(symbol, exact=True))


def analyze(service: Service, symbol: str) -> dict[str, object]:
    body = {"symbol": symbol, "timeframe_data": {}, "current_price": 0, "volume_24h": 0, "strategy_context": {}}
    answer = service.post("/ai/analyze", json=body | {"timestamp": time.time_ns() // 1_000_000})
    answer.raise_for_status()
    found: dict[str, object] = answer.json()
    return found


def test_each_symbol_of_the_loop_has_a_card(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service)
    for symbol in SYMBOLS:
        card = card_of(page, symbol)
        expect(card.locator(".signal")).to_have_text(ANY_SIDE)
        expect(card.locator(".confidence")).to_contain_text("confidence")
        expect(card.locator(".sparkline path")).to_have_count(1)
        expect(card).to_contain_text("binance")
        expect(card).not_to_contain_text("SYNTHETIC")
    expect(page.locator(".live")).to_have_text("live")


def test_a_signal_arrives_by_the_socket_after_a_post(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service)
    expect(page.locator(".card")).to_have_count(len(SYMBOLS))
    expect(card_of(page, "XRPUSDT")).to_have_count(0)
    answer = analyze(market_service, "XRPUSDT")
    expect(card_of(page, "XRPUSDT").locator(".signal")).to_have_text(str(answer["signal"]))


def test_filter_and_order_stand_in_the_address(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service)
    expect(card_of(page, "ETHUSDT")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("eth")
    expect(page.locator(".card strong")).to_have_text(["ETHUSDT"])
    page.get_by_label("Order", exact=False).last.select_option("symbol")
    assert page.url.endswith("#/board?text=eth&order=symbol")
    page.reload()
    expect(page.locator(".card strong")).to_have_text(["ETHUSDT"])
    page.get_by_role("searchbox").fill("nothing of this name")
    page.get_by_role("button", name="Show all").click()
    expect(page.locator(".card strong").first).to_have_text("BTCUSDT")


def test_arrow_keys_walk_over_the_cards(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service, "/#/board?order=symbol&text=USDT")
    expect(card_of(page, "SOLUSDT")).to_be_visible()
    page.locator(".card").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".card:focus strong")).to_have_text("ETHUSDT")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("BTCUSDT")


def test_a_card_keeps_the_focus_when_its_signal_becomes_the_newest(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service, "/#/board?order=newest")
    expect(page.locator(".card").nth(len(SYMBOLS) - 1)).to_be_visible()
    oldest = str(page.locator(".card strong").last.text_content())
    card_of(page, oldest).focus()
    analyze(market_service, oldest)
    # A symbol that the board does not know yet comes after it.
    analyze(market_service, "ADAUSDT")
    expect(card_of(page, "ADAUSDT")).to_be_visible()
    expect(page.locator(".card:focus strong")).to_have_text(oldest)
    expect(page.locator(".card strong").last).to_have_text("ADAUSDT")


def test_candles_are_asked_for_when_a_card_comes_near_the_screen(market_service: Service, open_view: Open) -> None:
    for symbol in ("BNBUSDT", "LINKUSDT", "XRPUSDT", "ADAUSDT"):
        analyze(market_service, symbol)
    page = open_view(market_service, "/#/board?order=symbol", width=390)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    last = page.locator(".card").last
    expect(last).to_be_attached()
    expect(page.locator(".sparkline path").first).to_be_visible()
    symbol = last.locator("strong").text_content() or ""
    assert symbol
    assert not any(f"/ai/candles/{symbol}" in url for url in asked)
    with page.expect_request(f"**/ai/candles/{symbol}?*"):
        last.scroll_into_view_if_needed()
    expect(last.locator(".sparkline path")).to_have_count(1)


def test_synthetic_candles_are_marked_and_a_killed_service_is_said_and_found_again(open_view: Open) -> None:
    with running_service(**INVENTED) as first:
        page = open_view(first)
        expect(card_of(page, "BTCUSDT")).to_contain_text("SYNTHETIC")
        first.process.kill()
        first.process.wait()
        expect(page.locator(".away")).to_contain_text("offline")
        expect(page.locator(".liveness")).to_contain_text("no health")
        # What was said stays, with its age.
        expect(card_of(page, "BTCUSDT")).to_be_visible()
        # The files of a view that was not opened yet cannot come, and do when the service is back.
        page.get_by_role("link", name="Record", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("The service does not answer.")
        port = int(first.url.rsplit(":", 1)[1])
        with running_service(port=port, **INVENTED):
            expect(page.locator(".live")).to_have_text("live")
            expect(page.get_by_role("heading", name="Record", exact=True)).to_be_visible()


def test_the_price_of_a_card_is_not_that_of_old_candles(open_view: Open) -> None:
    stored_first = INVENTED | {"MARKET_DATA_SOURCES": "stored,synthetic"}
    old = [dict(zip(COLUMNS, candle, strict=True)) for candle in PAST]
    with running_service(**stored_first) as service:
        body = {"symbol": "BTCUSDT", "timeframe_data": {"1h": old}, "current_price": old[-1]["close"], "volume_24h": 1}
        answer = service.post("/ai/analyze", json=body | {"timestamp": now_ms(), "strategy_context": {}})
        answer.raise_for_status()
        page = open_view(service, "/#/try")
        with page.expect_response("**/ai/candles/BTCUSDT?*") as candles:
            page.get_by_role("link", name="Board").click()
        assert candles.value.json()["stale"] is True
        card = card_of(page, "BTCUSDT")
        expect(card).to_contain_text("SYNTHETIC")
        (signal,) = service.get("/ai/signals").json()["signals"]
        shown = float((card.locator(".price").text_content() or "").replace(",", ""))
        assert shown == pytest.approx(signal["price"], rel=1e-4)
        expect(card.locator(".sparkline path")).to_have_count(0)


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 390)])
def test_everyone_can_use_it(market_service: Service, open_view: Open, scheme: str, width: int) -> None:
    page = open_view(market_service, width=width, scheme=scheme)
    expect(page.locator(".sparkline path").first).to_be_visible()
    assert serious_findings(page) == []
    assert overflow(page) == 0


def test_a_neutral_card_says_why(market_service: Service, open_view: Open) -> None:
    body = shape_b(symbol="DOTUSDT")
    for candle in body["timeframe_data"]["1h"]:
        candle |= dict.fromkeys(("open", "high", "low", "close"), body["current_price"])
    market_service.post("/ai/analyze", json=body).raise_for_status()
    page = open_view(market_service)
    expect(card_of(page, "DOTUSDT")).to_contain_text("the market is flat")


@pytest.mark.parametrize(
    ("symbol", "price", "shown"),
    [("ZSMALLUSDT", 0.00000123, "0.00000123"), ("ZLARGEUSDT", 123_456_789.12, "123,456,789.12")],
)
def test_a_price_has_all_the_digits_that_it_needs(
    market_service: Service, open_view: Open, symbol: str, price: float, shown: str
) -> None:
    body = shape_b(symbol=symbol)
    for candle in body["timeframe_data"]["1h"]:
        candle |= dict.fromkeys(("open", "high", "low", "close"), price)
    market_service.post("/ai/analyze", json=body | {"current_price": price}).raise_for_status()
    page = open_view(market_service)
    expect(card_of(page, symbol).locator(".price")).to_have_text(shown)
