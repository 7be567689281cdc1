"""A page that stays open for long, and one of a service that has nothing to show yet."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.conftest import ADMIN_TOKEN
from tests.fixtures.service import running_service
from tests.page.conftest import Open
from tests.page.test_operations import as_operator

NEXT_TOKEN = "the-administrators-next-token"  # noqa: S105


def test_a_token_that_the_service_no_longer_takes_is_said_and_asked_for_again(open_view: Open) -> None:
    with running_service() as first:
        page = as_operator(open_view, first, "jobs")
        expect(page.get_by_role("heading", name="No jobs yet")).to_be_visible()
        port = int(first.url.rsplit(":", 1)[1])
        first.stop()
    with running_service(port=port, ADMIN_TOKEN=NEXT_TOKEN):
        expect(page.get_by_text("The service no longer takes the token that was held here.")).to_be_visible()
        page.get_by_label("Administrator's token").fill(ADMIN_TOKEN)
        page.get_by_role("button", name="Use it").click()
        expect(page.get_by_text("This is not the administrator's token.")).to_be_visible()
        page.get_by_label("Administrator's token").fill(NEXT_TOKEN)
        page.get_by_role("button", name="Use it").click()
        expect(page.get_by_role("button", name="Forget it")).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize(
    ("analyzes", "said"),
    [
        ("false", "The service makes none by itself: its periodic analysis is off."),
        ("true", "The periodic analysis failed: BTCUSDT: "),
    ],
)
def test_an_empty_board_says_whether_signals_come_by_themselves(open_view: Open, analyzes: str, said: str) -> None:
    with running_service(
        PERIODIC_ANALYSIS=analyzes, ANALYSIS_SYMBOLS="BTCUSDT", MARKET_DATA_SOURCES="stored"
    ) as service:
        page = open_view(service)
        expect(page.get_by_text(said)).to_be_visible()
        off = 1 if analyzes == "false" else 0
        expect(page.locator(".liveness").get_by_text("periodic analysis off")).to_have_count(off)


def test_a_source_that_was_not_asked_yet_is_not_said_to_fail(open_view: Open) -> None:
    with running_service() as service:
        assert service.get("/health").json()["market_data"] == {"stored": None, "synthetic": None}
        page = open_view(service, "/#/operations")
        expect(page.get_by_text("stored not asked yet, synthetic not asked yet")).to_be_visible()
