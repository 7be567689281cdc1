"""The record, as a person sees it, on a ledger of twenty days."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.fixtures.service import Service, running_service
from tests.fixtures.settled_bands import HELD_SHARE, SETTLED, STILL_WAITING
from tests.page.conftest import Open, broad_tables, overflow, serious_findings
from tests.page.filled_ledger import DAYS, EARLIER, FEW, HOURS, PRESENT, fill_ledger_file


@pytest.fixture(scope="module")
def recorded_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run a service whose ledger is filled before it starts."""
    path: Path = tmp_path_factory.mktemp("record") / "store.db"
    fill_ledger_file(path)
    with running_service(DATABASE_URL=f"sqlite:///{path}", RATE_LIMITS="off") as service:
        yield service


SECTIONS = {
    "calls": "Calls",
    "lanes": "Lanes compared",
    "bands": "Price bands",
    "versions": "Versions",
    "entries": "Entries",
}


# How many points of a picture have the color of the rules on paper.
STROKES = """(canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const is = (at) => data[at] === 0x0a && data[at + 1] === 0x58 && data[at + 2] === 0xb0;
    return Array.from({ length: data.length / 4 }, (_, point) => is(4 * point)).filter(Boolean).length;
}"""


def panel(page: Page, title: str) -> Locator:
    return page.locator(".panel", has=page.get_by_role("heading", name=title, exact=True))


def section(page: Page, name: str) -> Locator:
    return page.get_by_role("navigation", name="Parts of the record").get_by_role("link", name=name, exact=True)


def choice(page: Page, label: str) -> Locator:
    return page.get_by_role("combobox", name=label, exact=True)


def row_of(page: Page, lane: str, judged_after: str) -> Locator:
    rows = panel(page, "Track record").locator("tbody tr")
    return rows.filter(has=page.get_by_text(lane, exact=True)).filter(has=page.get_by_text(judged_after, exact=True))


def test_each_record_has_its_verdict_in_words_with_its_count(recorded_service: Service, open_view: Open) -> None:
    page = open_view(recorded_service, "/#/record?section=calls")
    for lane, badge, words, calls in (
        ("Rules", "positive", "right more often than always one side, and pays its costs", HOURS),
        ("Model", "none", "not surely right more often than always one side", HOURS),
        ("LLM", "inverted", "right less often than the worse side always", HOURS),
        ("Rules and model", "undecided", f"{FEW} independent calls are too few to tell", FEW),
    ):
        row = row_of(page, lane, "1 candle")
        expect(row.locator(".badge")).to_have_text(badge)
        expect(row).to_contain_text(words)
        expect(row).to_contain_text(re.compile(rf"\d% of {calls} "))
    expect(row_of(page, "Rules and model", "1 candle").locator(".badge")).to_have_class("badge grey")


def test_the_verdict_on_each_lane_comes_first(recorded_service: Service, open_view: Open) -> None:
    page = open_view(recorded_service, "/#/record")
    verdicts = page.get_by_role("region", name="Verdicts by lane").get_by_role("article")
    expect(verdicts.get_by_role("heading")).to_have_text(["Rules", "Model", "LLM", "Rules and model"])
    for number, (badge, words) in enumerate(
        (
            ("positive", "right more often than always one side, and pays its costs"),
            ("none", "not surely right more often than always one side"),
            ("inverted", "right less often than the worse side always"),
            ("undecided", f"{FEW} independent calls are too few to tell"),
        )
    ):
        expect(verdicts.nth(number).locator(".badge").first).to_have_text(badge)
        expect(verdicts.nth(number)).to_contain_text(words)
    query = {"lane": "rules", "horizon": "plan"}
    (plans,) = recorded_service.get("/ai/track-record", params=query).json()["records"]
    expect(verdicts.first).to_contain_text(f"As plans: {plans['net_r']:+.2f} R a plan after costs, of {DAYS}")
    choice(page, "Lane").select_option("llm")
    expect(verdicts.get_by_role("heading")).to_have_text(["LLM"])


def test_sections_are_links_that_keep_the_choices(recorded_service: Service, open_view: Open) -> None:
    page = open_view(recorded_service, "/#/record?lane=rules")
    expect(section(page, "Verdict")).to_have_attribute("aria-current", "page")
    section(page, "Calls").press("Enter")
    assert page.url.endswith("#/record?lane=rules&section=calls")
    expect(section(page, "Calls")).to_have_attribute("aria-current", "page")
    expect(panel(page, "Track record").locator("tbody tr")).to_have_count(5)
    page.go_back()
    expect(page.get_by_role("region", name="Verdicts by lane")).to_be_visible()


def test_the_present_version_of_a_lane_stands_before_the_earlier_ones(
    recorded_service: Service, open_view: Open
) -> None:
    page = open_view(recorded_service, "/#/record")
    rules = page.get_by_role("article").filter(has=page.get_by_role("heading", name="Rules", exact=True))
    expect(rules).to_contain_text(re.compile("Present version since .*, 1 other"))
    rules.get_by_role("link", name="1 other versions of Rules").click()
    rows = panel(page, "Versions of the lanes").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text(re.compile(rf"{PRESENT}\s+present"))
    expect(rows.nth(0)).to_contain_text("indicators.rsi_period: 14 → 13")
    expect(rows.nth(1)).to_contain_text(EARLIER)
    expect(rows.nth(1)).not_to_contain_text("present")
    records = recorded_service.get("/ai/track-record", params={"lane": "rules", "horizon": "1", "group": "version"})
    figures = {record["version"]: record for record in records.json()["records"]}
    for number, version in enumerate((PRESENT, EARLIER)):
        record = figures[version]
        expect(rows.nth(number)).to_contain_text(f"{record['hit_rate']:.1%} of {record['count']}")


def test_filters_stand_in_the_address(recorded_service: Service, open_view: Open) -> None:
    page = open_view(recorded_service, "/#/record?section=calls")
    lanes = panel(page, "Track record").locator("tbody tr td:first-child")
    expect(lanes).to_have_count(20)
    choice(page, "Lane").select_option("blend")
    choice(page, "Judged after").select_option("plan")
    choice(page, "Told apart by").select_option("symbol")
    expect(lanes).to_have_text(["Rules and model"])
    assert page.url.endswith("#/record?section=calls&lane=blend&horizon=plan&group=symbol")
    page.reload()
    expect(panel(page, "Track record").locator("tbody tr")).to_contain_text(["ETHUSDT"])
    choice(page, "Symbol").fill("BTCUSDT")
    choice(page, "Symbol").press("Enter")
    expect(panel(page, "Track record")).to_contain_text("No settled calls")
    section(page, "Entries").click()
    expect(panel(page, "Newest entries")).to_contain_text("No entry")


def test_sums_over_time_are_those_of_the_service_and_stand_in_a_table(
    recorded_service: Service, open_view: Open
) -> None:
    page = open_view(recorded_service, "/#/record?lane=rules")
    query = {"lane": "rules", "horizon": "1"}
    (record,) = recorded_service.get("/ai/track-record", params=query).json()["records"]
    after = f"+{record['count'] * record['net_bps']:,.0f}"
    chart = panel(page, "Sum of results, basis points")
    expect(chart.locator("canvas")).to_have_count(1)
    expect(chart.locator(".legend")).to_contain_text(f"{after} after")
    chart.get_by_text("The sums as a table").click()
    expect(chart.locator("tbody tr")).to_have_count(DAYS)
    expect(chart.locator("tbody tr").first).to_contain_text(after)
    chart.locator(".canvas").press("Home")
    first = chart.locator("tbody tr").last.locator("td").first.inner_text()
    expect(chart.locator(".legend strong")).to_have_text(first)
    plans = panel(page, "Sum of results, R, units of the risk")
    expect(plans.locator("canvas")).to_have_count(1)
    expect(plans.locator(".legend")).to_contain_text(f"of {DAYS}")


def test_other_views_load_no_library_of_the_record(recorded_service: Service, open_view: Open) -> None:
    page = open_view(recorded_service)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    expect(page.get_by_text("No signals yet")).to_be_visible()
    assert not [url for url in asked if "uPlot" in url]
    page.get_by_role("link", name="Record", exact=True).click()
    expect(page.locator(".lines canvas")).to_have_count(2)
    assert [url for url in asked if url.endswith("uPlot.esm.js")]


def test_stated_probabilities_stand_beside_what_occurred(recorded_service: Service, open_view: Open) -> None:
    page = open_view(recorded_service, "/#/record?section=calibration&lane=model")
    (lane,) = (one for one in recorded_service.get("/ai/lanes").json()["lanes"] if one["lane"] == "model")
    ranges: list[dict[str, Any]] = next(one["ranges"] for one in lane["calibration"] if one["horizon"] == 1)
    diagram = page.locator("figure", has=page.get_by_text("Model, 1h: the next candle rises"))
    expect(diagram.locator("circle")).to_have_count(len(ranges))
    expect(diagram.locator(".lane-model text")).to_have_text([str(one["count"]) for one in ranges])
    diagram.get_by_text("As a table").click()
    expect(diagram.locator("tbody tr td:nth-child(2)")).to_have_text([str(one["count"]) for one in ranges])


def test_lanes_are_compared_and_priced(recorded_service: Service, open_view: Open) -> None:
    page = open_view(recorded_service, "/#/record?section=lanes&horizon=1")
    pair = panel(page, "Lanes beside each other").locator("tbody tr").filter(has_text="Does the LLM add to the rules?")
    expect(pair.locator(".badge")).to_have_text("inverted")
    expect(pair).to_contain_text(f"{HOURS}; {HOURS}")
    cost = panel(page, "Cost of a right call").locator("tbody tr")
    expect(cost).to_contain_text(["LLM"])
    expect(cost).to_contain_text([f"${HOURS / 100:.2f}"])
    expect(cost).to_contain_text(["brought none"])


def test_cells_stand_below_one_another_where_a_table_does_not_fit(recorded_service: Service, open_view: Open) -> None:
    for width in (1280, 1024, 768, 390):
        page = open_view(recorded_service, width=width)
        for name in SECTIONS:
            page.evaluate(f"location.hash = '#/record?section={name}'")
            expect(section(page, SECTIONS[name])).to_have_attribute("aria-current", "page")
            expect(page.locator("tbody tr").first).to_be_visible()
            assert broad_tables(page) == [], (width, name)
    # Cells that stand below one another keep their titles, for those who listen too.
    cell = page.get_by_role("region", name="Entries of the ledger, newest first").get_by_role("cell").first
    assert cell.evaluate("(cell) => getComputedStyle(cell, '::before').content") == '"Said"'
    assert (serious_findings(page), overflow(page)) == ([], 0)


def test_bands_of_prices_stand_beside_what_they_are_meant_to_hold(recorded_service: Service, open_view: Open) -> None:
    page = open_view(recorded_service, "/#/record?section=bands", scheme="light")
    settled, waiting = (panel(page, "Bands of prices").locator("tbody tr").nth(number) for number in (0, 1))
    expect(settled).to_contain_text(re.compile(rf"1 candle\s*90.0%\s*{HELD_SHARE:.1%} of {SETTLED} "))
    expect(settled).to_contain_text("too narrow: they hold fewer closes than meant")
    expect(waiting).to_contain_text(re.compile(rf"24 candles.*none is settled yet.*{STILL_WAITING}"))
    assert serious_findings(page) == []
    choice(page, "Timeframe").select_option("4h")
    expect(panel(page, "Bands of prices")).to_contain_text("No bands of prices")


def test_a_day_is_chosen_in_the_calendar_and_has_its_root_and_exports(
    recorded_service: Service, open_view: Open
) -> None:
    page = open_view(recorded_service, "/#/record?section=days")
    days = panel(page, "Days and their proofs")
    expect(days.locator("a.day")).to_have_count(DAYS)
    oldest = recorded_service.get("/ai/ledger/days").json()["days"][-1]
    days.locator("a.day").first.click()
    expect(days.locator(".proof")).to_contain_text(oldest["root"])
    expect(days.locator(".proof")).to_contain_text(oldest["chained"])
    assert page.url.endswith(f"#/record?section=days&day={oldest['day']}")
    for name in ("NDJSON", "Parquet"):
        address = days.locator(".proof").get_by_role("link", name=f"{name} of {oldest['day']}").get_attribute("href")
        assert recorded_service.get(f"/{address}").status_code == 200
    days.get_by_text("The days as a table").click()
    expect(days.locator(".table-frame tbody tr")).to_have_count(DAYS)


def test_entries_are_filtered_paged_and_lead_to_their_proof(recorded_service: Service, open_view: Open) -> None:
    page = open_view(recorded_service, "/#/record?section=entries&lane=llm&origin=loop")
    entries = panel(page, "Newest entries")
    rows = entries.locator("tbody tr")
    expect(rows).to_have_count(25)
    newest = recorded_service.get("/ai/ledger", params={"lane": "llm", "origin": "loop"}).json()["entries"]
    entries.get_by_role("link", name="Older").click()
    expect(rows.first.get_by_role("link", name=f"Proof of {newest[25]['id']}")).to_be_visible()
    entries.get_by_role("link", name="Newest").click()
    rows.first.get_by_role("link", name=f"Proof of {newest[0]['id']}").click()
    proof = recorded_service.get(f"/ai/ledger/{newest[0]['id']}/proof").json()
    shown = panel(page, "Its proof")
    for digest in (proof["leaf"], proof["day"]["root"], *proof["path"]):
        expect(shown).to_contain_text(digest)


def test_what_does_not_count_and_what_has_no_proof_yet_says_so(recorded_service: Service, open_view: Open) -> None:
    page = open_view(recorded_service, "/#/record?section=entries&scored=false")
    row = panel(page, "Newest entries").locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("SYNTHETIC")
    expect(row).to_contain_text("synthetic: not counted")
    row.get_by_role("link", name="Proof").click()
    expect(panel(page, "Its proof")).to_contain_text("Its day is not closed yet")
    page.get_by_role("link", name="Back to the record").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Record")


def test_an_empty_ledger_says_what_would_fill_it(open_view: Open) -> None:
    with running_service() as service:
        page = open_view(service, "/#/record", width=390)
        expect(page.locator("main")).to_contain_text("No settled calls")
        for name, title, words in (
            ("Calls", "Track record", "No settled calls"),
            ("Calibration", "Stated and occurred", "No stated probability is settled yet"),
            ("Lanes compared", "Lanes beside each other", "No two lanes answered on the same candles"),
            ("Versions", "Versions of the lanes", "No version was written down yet"),
            ("Days and proofs", "Days and their proofs", "No day is closed yet"),
            ("Entries", "Newest entries", "No entry"),
        ):
            section(page, name).click()
            expect(panel(page, title)).to_contain_text(words)
            assert overflow(page) == 0


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 390)])
def test_everyone_can_use_it(recorded_service: Service, open_view: Open, scheme: str, width: int) -> None:
    page = open_view(recorded_service, "/#/record", width=width, scheme=scheme)
    for name, shown, count in (
        ("Verdict", ".lines canvas", 2),
        ("Calls", "tbody tr", 20),
        ("Calibration", ".reliability", 5),
        ("Lanes compared", ".panel", 2),
        ("Versions", ".versions tbody tr", 2),
        ("Days and proofs", "a.day", DAYS),
        ("Entries", "tbody tr", 25),
    ):
        section(page, name).click()
        expect(page.locator(shown)).to_have_count(count)
        for summary in page.locator("summary").all():
            summary.click()
        assert serious_findings(page) == []
        assert overflow(page) == 0


def test_lines_are_printed_in_the_colors_of_paper(recorded_service: Service, open_view: Open) -> None:
    page = open_view(recorded_service, "/#/record", scheme="dark")
    expect(page.locator(".lines canvas").first).to_be_visible()
    # As the browser does it before it prints: what is there when the event is over is what comes on paper.
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    printed = page.locator(".lines .on-paper canvas").first
    assert printed.evaluate(STROKES) > 0
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator(".on-paper")).to_have_count(0)
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
