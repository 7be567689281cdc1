"""The view of one market, as a person sees it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from api.page_files import WEB_FOLDER
from tests.fixtures.bodies import shape_b
from tests.fixtures.service import Service
from tests.page.conftest import Open, broad_tables, overflow, serious_findings

# Keeps what is written on canvas: the text, and by how much its middle is off the upper and the lower edge, in pixels.
WRITTEN = """window.written = [];
    const write = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...rest) {
      const place = this.getTransform().transformPoint({ x, y }).y;
      window.written.push([text, place / devicePixelRatio, (this.canvas.height - place) / devicePixelRatio]);
      return write.call(this, text, x, y, ...rest);
    };"""


def opened(open_view: Open, service: Service, query: str = "", **options: object) -> Page:
    page = open_view(service, f"/#/symbol/BTCUSDT{query}", **options)
    expect(page.locator(".chart canvas").first).to_be_visible()
    return page


def test_it_shows_the_signal_with_its_reasons_and_what_such_plans_came_to(
    market_service: Service, open_view: Open
) -> None:
    page = opened(open_view, market_service)
    headline = page.get_by_role("region", name="The newest signal")
    expect(headline.locator(".signal")).to_have_text(re.compile("Long|Short|Neutral"))
    expect(headline).to_contain_text("Independent plans")
    gates = page.get_by_role("region", name="Guards of this signal")
    expect(gates.get_by_role("row")).to_have_count(10)
    expect(gates.get_by_role("row").nth(1)).to_contain_text("✓ passed")
    expect(page.get_by_role("heading", name="Three views of the same candles")).to_be_visible()
    expect(page.get_by_role("region", name="Strategies with their score and record")).to_contain_text("of 25,020")
    expect(page.get_by_role("region", name="Past analyses, newest first").get_by_role("row").nth(1)).to_be_visible()


def test_timeframe_and_panes_are_switched_and_stand_in_the_address(market_service: Service, open_view: Open) -> None:
    page = opened(open_view, market_service)
    expect(page.locator(".legend")).to_contain_text("RSI")
    with page.expect_response(re.compile(r"/ai/candles/BTCUSDT\?timeframe=4h")) as answer:
        page.get_by_role("link", name="4h").click()
    assert answer.value.ok
    page.get_by_role("button", name="RSI").click()
    expect(page.locator(".legend")).not_to_contain_text("RSI")
    expect(page.locator(".legend")).to_contain_text("MACD")
    assert page.url.endswith("#/symbol/BTCUSDT?timeframe=4h&hide=rsi")
    page.reload()
    expect(page.get_by_role("link", name="4h")).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("button", name="RSI")).to_have_attribute("aria-pressed", "false")


def test_no_label_of_the_chart_is_cut_and_those_of_the_rsi_are_its_marks(
    market_service: Service, open_view: Open
) -> None:
    page = open_view(market_service)
    page.add_init_script(WRITTEN)
    page.goto(f"{market_service.url}/#/symbol/BTCUSDT")
    page.reload()
    expect(page.locator(".chart canvas").first).to_be_visible()
    written = wait_for_texts(page)
    assert [text for text, above, below in written if min(above, below) < 5] == []
    assert {"30", "70"} <= {text for text, _, _ in written}


def wait_for_texts(page: Page) -> list[tuple[str, float, float]]:
    """Return what the chart has written once it has written its levels."""
    found: list[tuple[str, float, float]] = page.evaluate(
        """() => new Promise((done) => {
            const levels = () => written.some(([text]) => ["price", "entry"].includes(text));
            const look = () => (levels() ? done(written) : requestAnimationFrame(look));
            look(); })"""
    )
    return found


def test_a_telephone_shows_as_many_candles_as_can_be_told_apart(market_service: Service, open_view: Open) -> None:
    page = opened(open_view, market_service, width=360)
    chart = page.get_by_role("application")
    expect(page.locator(".legend time")).to_be_visible()
    seen = set()
    for x in range(100, 130, 2):
        chart.hover(position={"x": x, "y": 60})
        seen.add(page.locator(".legend time").get_attribute("datetime"))
    assert 1 < len(seen) < 10


def test_a_neutral_is_not_said_to_pay_its_costs(market_service: Service, open_view: Open) -> None:
    body = shape_b(symbol="ZFLATUSDT")
    for candle in body["timeframe_data"]["1h"]:
        candle |= dict.fromkeys(("open", "high", "low", "close"), body["current_price"])
    market_service.post("/ai/analyze", json=body).raise_for_status()
    page = open_view(market_service, "/#/symbol/ZFLATUSDT")
    headline = page.get_by_role("region", name="The newest signal")
    expect(headline.locator(".signal")).to_have_text("Neutral")
    expect(headline.locator(".confidence")).not_to_contain_text("pays its costs")


def test_arrow_keys_speak_candles_and_a_table_has_them_all(market_service: Service, open_view: Open) -> None:
    page = opened(open_view, market_service)
    page.get_by_role("application").focus()
    page.keyboard.press("ArrowLeft")
    announcer = page.locator("#announcer")
    expect(announcer).to_have_text(re.compile(r"(up|down|flat), open [\d.,]+, high"))
    # What a key asks for is said before anything else can come: no pause is made, as between signals.
    said = page.evaluate(
        """["ArrowLeft", "Home"].map((key) => {
            document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
            return document.getElementById("announcer").textContent;
        })"""
    )
    assert said[0] != said[1]
    page.get_by_text("Candles as a table").click()
    rows = page.get_by_role("region", name="The newest 60 candles of BTCUSDT").get_by_role("row")
    expect(rows).to_have_count(61)


@pytest.mark.parametrize("sent", ["nothing", "the stand-in of the service"])
def test_without_the_chart_library_the_chart_is_a_plain_one_and_says_so(
    market_service: Service, open_view: Open, sent: str
) -> None:
    page = open_view(market_service)

    def answer(route: Route) -> None:
        if sent == "nothing":
            route.abort()
        else:
            route.fulfill(path=WEB_FOLDER / "plain" / "no_charts.js", content_type="text/javascript")

    page.route("**/lightweight-charts*", answer)
    page.goto(f"{market_service.url}/#/symbol/BTCUSDT")
    expect(page.locator(".plain-chart .body").nth(90)).to_be_attached()
    expect(page.get_by_text("this chart is a plain one")).to_be_visible()
    expect(page.get_by_text("The libraries of this page are not installed")).to_have_count(0)


def test_a_symbol_that_no_source_knows_is_said_to_be_unknown(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service, "/#/symbol/NOSUCHCOINUSDT")
    expect(page.get_by_role("alert")).to_contain_text("404")


def test_head_view_and_foot_share_their_edges_on_a_wide_screen(market_service: Service, open_view: Open) -> None:
    page = opened(open_view, market_service, width=2560)
    lefts = {page.locator(part).evaluate("part => part.getBoundingClientRect().left") for part in (".brand", "h1")}
    assert len(lefts) == 1
    panel = page.get_by_role("region", name="Candles").evaluate("part => part.getBoundingClientRect().width")
    assert panel >= 2_000


def test_the_chart_is_printed_in_the_colors_and_the_width_of_paper(market_service: Service, open_view: Open) -> None:
    page = opened(open_view, market_service, scheme="dark")
    # As the browser does it before it prints: what is there when the event is over is what comes on paper.
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    printed = page.locator(".chart .on-paper canvas")
    assert printed.evaluate("(canvas) => [...canvas.getContext('2d').getImageData(1, 1, 1, 1).data]") == [255] * 4
    assert printed.evaluate("(canvas) => canvas.width") < 700
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator(".on-paper")).to_have_count(0)


@pytest.mark.parametrize("width", [1024, 768])
def test_tables_fit_a_small_desk(market_service: Service, open_view: Open, width: int) -> None:
    page = opened(open_view, market_service, width=width)
    gates = page.get_by_role("region", name="Guards of this signal")
    expect(gates.get_by_role("row").nth(1)).to_be_visible()
    assert broad_tables(page) == []
    # What fits stays a table: in half of 1024 pixels it does not, in all of 768 it does.
    assert gates.evaluate("(frame) => frame.classList.contains('stacked')") is (width == 1024)


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 390), ("light", 2560)])
def test_everyone_can_use_it(market_service: Service, open_view: Open, scheme: str, width: int) -> None:
    page = opened(open_view, market_service, scheme=scheme, width=width)
    expect(page.get_by_role("region", name="Guards of this signal")).to_be_visible()
    assert serious_findings(page) == []
    assert overflow(page) == 0
