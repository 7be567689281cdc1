"""What operators see and do on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Request, expect

from tests.conftest import ADMIN_TOKEN
from tests.fixtures.patience import COMMAND_SECONDS
from tests.fixtures.service import Service, running_service
from tests.page.conftest import Open, broad_tables, overflow, serious_findings

OPERATOR = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
NOT_OVER = ("queued", "running")
JOB_MS = 1_000 * COMMAND_SECONDS


@pytest.fixture(scope="module")
def own_service() -> Iterator[Service]:
    """A service whose switches and jobs are no other test's; its candles are invented."""
    with running_service(RATE_LIMITS="off") as service:
        yield service


def newest_job(service: Service, kind: str) -> dict[str, Any]:
    """Return the newest job of a kind: the service queues others by its schedule."""
    jobs = service.get("/jobs?limit=50", headers=OPERATOR).json()["jobs"]
    return dict(next(job for job in jobs if job["kind"] == kind))


def job_row(page: Page, text: str) -> Locator:
    """Return the row of the newest job with a text."""
    return page.get_by_role("region", name="Jobs, newest first").get_by_role("row").filter(has_text=text).first


def as_operator(open_view: Open, service: Service, section: str, **options: object) -> Page:
    page = open_view(service, f"/#/operations?section={section}", **options)
    page.get_by_label("Administrator's token").fill(ADMIN_TOKEN)
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_role("button", name="Forget it")).to_be_visible()
    return page


def test_the_token_is_asked_for_once_and_a_wrong_one_is_refused(own_service: Service, open_view: Open) -> None:
    page = open_view(own_service, "/#/operations?section=jobs")
    expect(page.get_by_role("alert")).to_contain_text("401")
    page.get_by_label("Administrator's token").fill("wrong")
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_text("This is not the administrator's token.")).to_be_visible()
    page.get_by_label("Administrator's token").fill(ADMIN_TOKEN)
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert ADMIN_TOKEN not in stored
    page.get_by_role("link", name="Schedule").click()
    expect(page.get_by_role("region", name="Rows of the schedule").get_by_role("row").nth(5)).to_contain_text("in")
    page.reload()
    expect(page.get_by_label("Administrator's token")).to_be_visible()


def test_a_training_is_watched_to_its_end(market_service: Service, open_view: Open) -> None:
    page = as_operator(open_view, market_service, "jobs")
    page.get_by_label("Type").select_option("logistic")
    page.get_by_role("button", name="Train", exact=True).click()
    row = job_row(page, "logistic")
    expect(row).to_contain_text("succeeded", timeout=JOB_MS)
    page.get_by_role("link", name="Models").click()
    page.get_by_role("button", name=re.compile("logistic_model_")).first.click()
    expect(page.get_by_role("heading", name="What the gate found")).to_be_visible()


def test_a_training_in_rounds_is_watched_and_its_losses_are_drawn(market_service: Service, open_view: Open) -> None:
    page = as_operator(open_view, market_service, "jobs")
    page.get_by_label("Type").select_option("xgboost")
    page.get_by_role("button", name="Train", exact=True).click()
    row = job_row(page, "xgboost")
    expect(row).to_contain_text("succeeded", timeout=JOB_MS)
    page.get_by_role("link", name="Models").click()
    page.get_by_role("button", name=re.compile("xgboost_model_")).first.click()
    curve = page.get_by_role("figure")
    said = re.compile(r"(\d+) of 500 rounds; the lowest validation loss in round \d+")
    expect(curve).to_contain_text(said)
    # It stops early: how many rounds there were is for the candles to say.
    rounds = int(said.findall(curve.text_content() or "")[0])
    lines = curve.get_by_role("img", name=re.compile("Losses of the training, from .+ down to .+"))
    for line in ("path.learned", "path.validated"):
        assert str(lines.locator(line).get_attribute("d")).count("L") == rounds - 1
    curve.get_by_text("Losses as a table").click()
    rows = page.get_by_role("region", name="Losses of the training").get_by_role("row")
    expect(rows).to_have_count(rounds + 1)
    assert (serious_findings(page), overflow(page)) == ([], 0)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_what_a_model_forecasts_is_chosen_by_keyboard(own_service: Service, open_view: Open, scheme: str) -> None:
    page = as_operator(open_view, own_service, "jobs", scheme=scheme, width=390)
    forecasts, kind = page.get_by_label("Forecasts"), page.get_by_label("Type")
    expect(forecasts.get_by_role("option")).to_have_text(
        [
            "the next close",
            *(f"the close {ahead} candles ahead" for ahead in (4, 12, 24)),
            "whether a plan's target comes before its stop",
        ]
    )
    kind.select_option("gru")
    forecasts.focus()
    orders: list[Any] = []

    def keep(request: Request) -> None:
        if request.method == "POST":
            orders.append(request.post_data_json)

    page.on("request", keep)
    for key, forecast in (("Home", {}), ("ArrowDown", {"horizon_candles": 4}), ("End", {"target": "plan"})):
        forecasts.press(key)
        forecasts.press("Tab")
        page.get_by_role("button", name="Train", exact=True).press("Enter")
        # Candles of this service are invented, and train nothing.
        expect(page.get_by_role("alert")).to_contain_text("BTCUSDT")
        common = {"symbol": "BTCUSDT", "timeframe": "1h"}
        expect(kind).to_have_value("logistic" if "target" in forecast else "gru")
        assert orders[-1] == {**common, "model_type": kind.input_value(), **forecast}
    expect(kind.get_by_role("option")).to_have_text(["logistic", "lightgbm"])
    expect(forecasts).to_have_accessible_description(re.compile("plans that the rules"))
    assert (serious_findings(page), overflow(page)) == ([], 0)


def test_a_training_is_cancelled_after_a_question(market_service: Service, open_view: Open) -> None:
    page = as_operator(open_view, market_service, "jobs")
    page.get_by_label("Type").select_option("lstm")
    page.get_by_role("button", name="Train", exact=True).click()
    row = job_row(page, "lstm")
    # It trains until it is cancelled, so there is time to see how far it is.
    expect(row.locator(".meter")).to_be_visible()
    row.get_by_role("button", name="Cancel").click()
    expect(row).to_contain_text("Cancel this job (train)?")
    row.get_by_role("button", name="Leave it").click()
    assert newest_job(market_service, "train")["status"] in NOT_OVER
    row.get_by_role("button", name="Cancel").click()
    row.get_by_role("button", name="Cancel").click()
    expect(row.get_by_role("button", name="Retry")).to_be_visible()
    expect(row).to_contain_text("cancelled")
    assert newest_job(market_service, "train")["status"] == "cancelled"


def test_the_newest_check_of_the_parts_is_shown_to_operators_alone(own_service: Service, open_view: Open) -> None:
    page = open_view(own_service, "/#/operations?section=health")
    expect(page.get_by_text("Health reports are shown with the administrator's token.")).to_be_visible()
    assert own_service.post("/jobs/health_check", json={}, headers=OPERATOR).status_code == 202
    page = as_operator(open_view, own_service, "jobs")
    row = job_row(page, "health check")
    expect(row).to_contain_text("succeeded")
    page.get_by_role("link", name="Health").click()
    [report] = own_service.get("/ai/reports?kind=health&limit=1", headers=OPERATOR).json()["reports"]
    expect(page.get_by_text(report["summary"])).to_be_visible()


def test_a_token_that_no_header_can_carry_is_refused_as_a_wrong_one(own_service: Service, open_view: Open) -> None:
    page = open_view(own_service, "/#/operations?section=schedule")
    page.get_by_label("Administrator's token").fill("пароль")
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_text("This is not the administrator's token.")).to_be_visible()


def test_safe_mode_is_switched_with_a_reason_and_the_page_says_what_happened(
    own_service: Service, open_view: Open
) -> None:
    page = as_operator(open_view, own_service, "switches")
    page.get_by_role("button", name="Switch it on").click()
    page.get_by_label("Reason").fill("prices look wrong")
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_text("Every answer is Neutral: prices look wrong")).to_be_visible()
    assert own_service.get("/ai/safe-mode").json()["enabled"] is True
    expect(page.locator(".liveness")).to_contain_text("SAFE MODE")
    page.get_by_role("button", name="Switch it off").click()
    page.get_by_role("button", name="Switch it off").click()
    expect(page.get_by_role("button", name="Switch it on")).to_be_visible()
    assert own_service.get("/ai/safe-mode").json()["enabled"] is False
    expect(page.locator(".liveness")).not_to_contain_text("SAFE MODE")
    page.get_by_role("link", name="Log", exact=True).click()
    expect(page.get_by_role("region", name="Events of the socket, newest first")).to_contain_text("SafeModeChanged")
    expect(page.get_by_role("region", name="Lines of the log, newest first")).to_contain_text("safe mode is on")


def test_buttons_of_rows_say_which_row_they_are_about(own_service: Service, open_view: Open) -> None:
    page = open_view(own_service, "/#/operations?section=switches")
    page.get_by_role("button", name="Disable momentum", exact=True).click()
    expect(page.get_by_text("Leave momentum out of answers?")).to_be_visible()


def test_tables_of_operations_fit_a_telephone(own_service: Service, open_view: Open) -> None:
    page = as_operator(open_view, own_service, "schedule", width=390)
    expect(page.get_by_role("region", name="Rows of the schedule")).to_be_visible()
    assert broad_tables(page) == []


def test_a_traceback_in_the_log_fits_the_page(own_service: Service, open_view: Open) -> None:
    page = as_operator(open_view, own_service, "log", width=1280)
    lines = page.get_by_role("region", name="Lines of the log, newest first")
    expect(lines.get_by_role("row").nth(1)).to_be_visible()
    page.evaluate("""() => {
        const trace = document.createElement("pre");
        trace.textContent = 'File "/srv/services/analysis/service.py", line 178, in analyze ' + "argument, ".repeat(40);
        document.querySelector(".tape:last-child tbody td.wide").append(trace);
    }""")
    assert broad_tables(page) == []


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 390)])
def test_everyone_can_use_it(own_service: Service, open_view: Open, scheme: str, width: int) -> None:
    page = as_operator(open_view, own_service, "health", scheme=scheme, width=width)
    sections = page.get_by_role("navigation", name="Sections").get_by_role("link")
    for number in range(sections.count()):
        sections.nth(number).click()
        expect(page.locator(".skeleton")).to_have_count(0)
        assert (serious_findings(page), overflow(page)) == ([], 0), sections.nth(number).inner_text()
