"""What the head of the page says of its connection, and that what it missed comes later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playwright.sync_api import Route, WebSocketRoute, expect

from tests.conftest import ADMIN_TOKEN
from tests.fixtures.service import Service, running_service
from tests.page.conftest import SYMBOLS, Open, serious_findings
from tests.page.test_board import INVENTED, analyze, card_of

TOKEN = "token-of-the-socket"  # noqa: S105
# Sockets of a network that is gone: they open, and neither answer nor close. The document has their number.
DEAD_SOCKETS = """window.WebSocket = class {
    constructor() {
      const { dataset } = document.documentElement;
      dataset.sockets = 1 + Number(dataset.sockets ?? 0);
      setTimeout(() => this.onopen());
    }
    send() {}
    close() {}
};"""


def test_a_token_is_asked_for_where_signals_need_one_and_opens_the_socket(open_view: Open) -> None:
    with running_service(**INVENTED | {"WS_TOKEN": TOKEN}) as service:
        page = open_view(service)
        expect(page.locator(".away")).to_have_text("no live signals: a token is needed")
        page.get_by_label("Token").fill("wrong")
        page.get_by_role("button", name="Use it").click()
        expect(page.get_by_text("The service does not know this token.")).to_be_visible()
        assert serious_findings(page) == []
        for token in (TOKEN, ADMIN_TOKEN):
            page.get_by_label("Token").fill(token)
            page.get_by_role("button", name="Use it").click()
            expect(page.locator(".live")).to_have_text("live")
            expect(card_of(page, "BTCUSDT")).to_contain_text("SYNTHETIC")
            expect(page.get_by_role("alert")).to_have_count(0)
            assert token not in page.evaluate(
                "location.href + JSON.stringify([{...localStorage}, {...sessionStorage}])"
            )
            page.reload()
            expect(page.get_by_label("Token")).to_be_visible()


def test_ages_are_those_of_the_service_where_the_clock_of_the_browser_is_wrong(
    market_service: Service, open_view: Open
) -> None:
    page = open_view(market_service)
    for hours in (-2, 2):
        page.clock.install(time=datetime.now(UTC) + timedelta(hours=hours))
        page.reload()
        expect(page.locator(".card .head").first).to_contain_text("expires in")
        expect(page.locator(".liveness")).to_contain_text("ago")
        expect(page.locator(".card .head time").filter(has_text="ago")).to_have_count(page.locator(".card").count())
        expect(page.get_by_text("STALE")).to_have_count(0)


def test_a_socket_that_does_not_open_is_told_from_a_service_that_is_away_and_what_was_missed_comes(
    market_service: Service, open_view: Open
) -> None:
    page = open_view(market_service)
    expect(page.locator(".card").nth(len(SYMBOLS) - 1)).to_be_visible()
    passes: list[bool] = []

    def relay(socket: WebSocketRoute) -> None:
        if passes:
            socket.connect_to_server()
        else:
            socket.close()

    def known(route: Route) -> None:
        answer = route.fetch()
        signals = [signal for signal in answer.json()["signals"] if passes or signal["symbol"] != "ADAUSDT"]
        route.fulfill(response=answer, json={"signals": signals})

    page.route_web_socket("**/ws", relay)
    page.route("**/ai/signals", known)
    page.reload()
    expect(page.locator(".away")).to_contain_text("no live signals: the socket does not open")
    analyze(market_service, "ADAUSDT")
    expect(card_of(page, "ADAUSDT")).to_have_count(0)
    passes.append(True)
    expect(page.locator(".live")).to_have_text("live")
    expect(card_of(page, "ADAUSDT")).to_be_visible()


def test_a_socket_that_answers_no_more_is_given_up_though_it_does_not_close(
    market_service: Service, open_view: Open
) -> None:
    page = open_view(market_service)
    page.clock.install()
    page.add_init_script(DEAD_SOCKETS)
    page.reload()
    expect(page.locator(".live")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-sockets", "1")
    # To the next ping, and as long as an answer may take.
    for seconds in (31, 6):
        page.clock.fast_forward(seconds * 1_000)
    expect(page.locator("html")).to_have_attribute("data-sockets", "2")
