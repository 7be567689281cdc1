"""Trying the service with a market or with candles of one's own, as a person does it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from domain.market import Timeframe
from models.registry.registry import Registry
from tests.conftest import ADMIN_TOKEN
from tests.fixtures.bodies import base_path, now_ms, wire_candles
from tests.fixtures.candle_exports import HOUR, NAMES, REFERENCE, csv_text
from tests.fixtures.forecasting import promote
from tests.fixtures.leading import add_led
from tests.fixtures.patience import COMMAND_SECONDS
from tests.fixtures.service import Service, running_service
from tests.page.conftest import Open, overflow, serious_findings

# Three years back, so that they are past by any clock.
PAST = [(candle.timestamp - 3 * 8760 * HOUR, *candle[1:]) for candle in REFERENCE]
_DROPPED = "([name, text]) => { const held = new DataTransfer(); held.items.add(new File([text], name)); return held; }"


def paste(page: Page, rows: str) -> None:
    page.get_by_label("Or paste rows").fill(rows)
    page.get_by_role("button", name="Read the rows").click()


def drop(page: Page, name: str, content: str) -> None:
    held = page.evaluate_handle(_DROPPED, [name, content])
    page.locator(".drop").dispatch_event("drop", {"dataTransfer": held})


def use_pasted(page: Page, *, as_of_the_last: bool) -> None:
    paste(page, csv_text(PAST))
    page.get_by_label("Market", exact=True).fill("ethusdt")
    if as_of_the_last:
        page.get_by_label("Analyze as of the last candle").check()
    page.get_by_role("button", name="Use these candles").click()


def test_pasted_rows_are_understood_and_analyzed_as_old_ones(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service, "/#/try")
    use_pasted(page, as_of_the_last=False)
    expect(page.get_by_role("region", name="What is in the file")).to_contain_text("300 of 1h")
    guards = page.get_by_role("region", name="Guards of this signal")
    expect(guards.get_by_role("row", name=re.compile("fresh data"))).to_contain_text("✗ refused")
    expect(page.get_by_role("region", name="The newest signal").locator(".signal")).to_have_text("Neutral")


def test_old_rows_are_analyzed_as_of_the_last_candle(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service, "/#/try")
    use_pasted(page, as_of_the_last=True)
    guards = page.get_by_role("region", name="Guards of this signal")
    expect(guards.get_by_role("row", name=re.compile("fresh data"))).to_contain_text("✓ passed")
    expect(page.get_by_text("what would have been said then")).to_be_visible()


def test_an_analysis_names_the_model_and_the_market_that_it_read_beside_this_one(
    tmp_path: Path, open_view: Open
) -> None:
    registry = Registry(tmp_path / "models")
    promote(registry, add_led(registry))
    with running_service(
        RATE_LIMITS="off",
        MODEL_SAVE_PATH=str(registry.root),
        MARKET_DATA_SOURCES="stored",
        MARKET_DATA__TIMEFRAMES="1h",
    ) as service:
        for symbol, seed in {"BTCUSDT": 3, "ETHUSDT": 4}.items():
            frames = {"1h": wire_candles(base_path(seed).resample(Timeframe.H1), 120)}
            body = {"symbol": symbol, "timeframe_data": frames, "current_price": frames["1h"][-1]["close"]}
            body |= {"volume_24h": 1e6, "timestamp": now_ms(), "strategy_context": {}}
            service.post("/ai/analyze", json=body).raise_for_status()
        for symbol, beside in {"ETHUSDT": r" It read the candles of BTCUSDT too\.", "BTCUSDT": ""}.items():
            page = open_view(service, f"/#/try?symbol={symbol}")
            expect(page.get_by_text(re.compile(rf"^Model: lightgbm_model_\w+\.{beside}$"))).to_be_visible()


def test_a_dropped_file_with_several_markets_asks_which(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service, "/#/try")
    rows = [(*row, market) for row in PAST for market in ("BTCUSDT", "ETH/USDT")]
    drop(page, "two.csv", csv_text(rows, (*NAMES, "pair")))
    page.get_by_role("group", name="Choose a symbol").get_by_role("button", name="ETH/USDT").click()
    expect(page.get_by_label("Market", exact=True)).to_have_value("ETHUSDT")
    expect(page.get_by_role("region", name="What is in the file")).to_contain_text("300 of 1h")


def test_a_bad_file_is_refused_in_words_of_the_reader(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service, "/#/try")
    drop(page, "page.csv", "<!doctype html><html><body>Sign in</body></html>")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("the file is a web page or XML, no table of candles: download the file itself")
    # The mended file is read in its place.
    drop(page, "BTCUSDT-1h.csv", csv_text(PAST))
    expect(page.get_by_label("Market", exact=True)).to_have_value("BTCUSDT")


def test_a_symbol_is_analyzed_and_the_copied_curl_does_the_same(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service, "/#/try")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_label("Symbol", exact=True).fill("btcusdt")
    page.get_by_role("button", name="Use this market").click()
    expect(page.get_by_role("region", name="The newest signal").locator(".signal")).to_have_text(
        re.compile("Long|Short|Neutral")
    )
    assert page.url.endswith("#/try?symbol=BTCUSDT")
    page.get_by_role("button", name="Copy: Analysis with curl").click()
    expect(page.locator(".aside").get_by_text("Copied", exact=True)).to_be_visible()
    answer = shell(page.evaluate("navigator.clipboard.readText()"))
    assert (answer["symbol"], answer["source_data"]) == ("BTCUSDT", "binance")


def test_a_backtest_is_watched_to_its_end_with_its_picture(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service, "/#/try")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    use_pasted(page, as_of_the_last=True)
    page.get_by_role("button", name="Start the backtest").click()
    expect(page.get_by_role("alert")).to_contain_text("administrator's token")
    page.get_by_label("Administrator's token").fill(ADMIN_TOKEN)
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_label("Administrator's token")).to_have_count(0)
    page.get_by_role("button", name="Start the backtest").click()
    picture = page.get_by_role("img", name=re.compile("The account over time: Buying and holding"))
    expect(picture).to_be_visible(timeout=COMMAND_SECONDS * 1000)
    expect(picture.locator("path")).to_have_count(3)
    beside = page.get_by_role("region", name="The account beside buying and holding")
    expect(beside.get_by_role("row", name=re.compile("Buying and holding"))).to_contain_text("%")
    page.get_by_text("The account as a table").click()
    rows = page.get_by_role("region", name="The account over time").get_by_role("row")
    expect(rows.nth(10)).to_be_visible()
    assert serious_findings(page) == []
    page.get_by_role("button", name="Copy: Backtest with curl").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert ADMIN_TOKEN not in copied
    assert shell(copied, ADMIN_TOKEN=ADMIN_TOKEN)["symbols"] == ["ETHUSDT"]


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 390)])
def test_everyone_can_use_it(market_service: Service, open_view: Open, scheme: str, width: int) -> None:
    page = open_view(market_service, "/#/try", scheme=scheme, width=width)
    use_pasted(page, as_of_the_last=True)
    expect(page.get_by_role("region", name="Guards of this signal")).to_be_visible()
    assert serious_findings(page) == []
    assert overflow(page) == 0


def shell(command: str, **environment: str) -> dict[str, Any]:
    """Return the JSON that a copied command prints in a shell."""
    variables = {"PATH": "/usr/bin:/bin", **environment}
    done = subprocess.run(["bash", "-c", command], env=variables, capture_output=True, check=True, text=True)
    return dict(json.loads(done.stdout))


def test_a_link_names_another_market_and_the_way_back_the_first(market_service: Service, open_view: Open) -> None:
    page = open_view(market_service, "/#/try?symbol=ETHUSDT")
    title = page.get_by_role("heading", name=re.compile("Analysis of"))
    expect(title).to_have_text("Analysis of ETHUSDT")
    page.goto(f"{market_service.url}/#/try?symbol=SOLUSDT")
    expect(title).to_have_text("Analysis of SOLUSDT")
    expect(page.get_by_label("Symbol", exact=True)).to_have_value("SOLUSDT")
    page.go_back()
    expect(title).to_have_text("Analysis of ETHUSDT")
    # Rows that are pasted take the market's place, and a link the place of the rows.
    paste(page, csv_text(PAST))
    expect(page.get_by_role("region", name="What is in the file")).to_contain_text("300 of 1h")
    expect(title).to_have_count(0)
    page.goto(f"{market_service.url}/#/try?symbol=SOLUSDT")
    expect(title).to_have_text("Analysis of SOLUSDT")
    expect(page.get_by_role("region", name="What is in the file")).to_have_count(0)
