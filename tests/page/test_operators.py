"""What operators decide on the page: models, suggestions and jobs; and what keys and budgets look like."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from demo import behaviors
from demo.openai_server import FakeOpenAI, serving
from domain.forecasting import ModelType
from models.evaluation.gate import GateVerdict
from models.registry.registry import Registry
from tests.fixtures.exchange import exchange
from tests.fixtures.forecasting import add_fitted, put_in_production
from tests.fixtures.models import NOON
from tests.fixtures.patience import wait_until
from tests.fixtures.service import Service, running_service
from tests.page.conftest import Open, overflow, serious_findings
from tests.page.test_board import analyze
from tests.page.test_operations import NOT_OVER, OPERATOR, as_operator, newest_job

KEYS = ("sk-demo-key-number-one", "sk-demo-key-number-two")
TRADES = 80
TRADE: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "side": "Long",
    "entry_price": 100.0,
    "exit_price": 101.0,
    "quantity": 1,
    "leverage": 1,
    "strategy_name": "MACD Strategy",
}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Three versions of one market: one in production, a sound one, and a damaged one; one more of 4 candles ahead."""
    found = Registry(tmp_path_factory.mktemp("operators") / "models")
    put_in_production(found, ModelType.LSTM)
    refused = GateVerdict(serves="production", reasons=("The model in production stays.",), comparisons=())
    add_fitted(found, ModelType.GRU, created_at=NOON + timedelta(minutes=1), verdict=refused)
    damaged = add_fitted(found, ModelType.TRANSFORMER, created_at=NOON + timedelta(minutes=2))
    graph = found.root / damaged.version / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1])
    add_fitted(Registry(found.root / "horizons" / "4"), ModelType.LIGHTGBM, horizon_candles=4)
    return found


@pytest.fixture(scope="module")
def service(registry: Registry) -> Iterator[Service]:
    """A service with these models; its candles are invented."""
    with running_service(RATE_LIMITS="off", MODEL_SAVE_PATH=str(registry.root)) as running:
        yield running


def row_of(page: Page, table: str, text: str) -> Locator:
    return page.get_by_role("region", name=table).get_by_role("row").filter(has_text=text)


def production(service: Service) -> str:
    [serving_now] = [model for model in service.get("/ai/models").json()["models"] if model["alias"] == "production"]
    return str(serving_now["version"])


def suggest(service: Service) -> str:
    """Let the service make a suggestion of trades whose figures bear one out; return its id."""
    for number in range(TRADES):
        confidence, mean = (0.62, -1.0) if number < TRADES // 2 else (0.72, 0.8)
        percent = mean + (2.0 if number % 2 else -2.0)
        sums = {"pnl_usdt": percent, "pnl_percentage": percent, "ai_confidence": confidence, "trade_id": f"t-{number}"}
        service.post("/ai/analyze-trade", json=TRADE | sums).raise_for_status()
    # They are reviewed in the background: a suggestion made now might be of the first few.
    wait_until(lambda: service.output.count("trade reviewed") == TRADES)
    made = service.post("/ai/config-analysis/trigger", headers=OPERATOR).json()
    assert made["success"], made
    [newest] = service.get("/ai/config-suggestions?limit=1").json()["suggestions"]
    assert newest["status"] == "pending"
    return str(newest["_id"])


def status_of(service: Service, suggestion_id: str) -> str:
    found = service.get("/ai/config-suggestions").json()["suggestions"]
    return str(next(suggestion["status"] for suggestion in found if suggestion["_id"] == suggestion_id))


def test_a_model_is_promoted_and_rolled_back_by_the_keyboard_alone(service: Service, open_view: Open) -> None:
    before = production(service)
    page = as_operator(open_view, service, "models")
    row = row_of(page, "Versions of models, newest first", "gru_model_")
    expect(row).to_contain_text("refused: the one in production stays")
    row.get_by_role("button", name="Promote").focus()
    page.keyboard.press("Enter")
    expect(row.get_by_label("Reason")).to_be_focused()
    # Left by Escape, nothing has changed, and the focus is where it was.
    page.keyboard.press("Escape")
    expect(row.get_by_role("button", name="Promote")).to_be_focused()
    assert production(service) == before
    page.keyboard.press("Enter")
    expect(row).to_contain_text(re.compile("Let gru_model_.* serve BTCUSDT 1h, whatever the gate found?"))
    page.keyboard.type("it was better in the shadow")
    page.keyboard.press("Enter")
    expect(row.get_by_text("production", exact=True)).to_be_visible()
    assert production(service).startswith("gru_model_")
    expect(row.get_by_role("button", name="Roll back")).to_be_focused()
    page.keyboard.press("Enter")
    expect(row.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("it lost")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(row_of(page, "Versions of models, newest first", before)).to_contain_text("production")
    assert production(service) == before


def test_what_the_service_refuses_is_said_where_it_was_asked(service: Service, open_view: Open) -> None:
    before = production(service)
    page = as_operator(open_view, service, "models")
    row = row_of(page, "Versions of models, newest first", "transformer_model_")
    row.get_by_role("button", name="Promote").click()
    row.get_by_label("Reason").fill("try it")
    row.get_by_role("button", name="Promote").click()
    expect(row.get_by_role("alert")).to_contain_text("model.onnx")
    assert serious_findings(page) == []
    row.get_by_role("button", name="Leave it").click()
    expect(row.get_by_role("alert")).to_have_count(0)
    assert production(service) == before


def test_a_version_opens_with_its_card_and_the_trials_beside_it(service: Service, open_view: Open) -> None:
    page = open_view(service, "/#/operations?section=models", width=390, scheme="light")
    row = row_of(page, "Versions of models, newest first", "gru_model_")
    expect(row.get_by_role("cell").nth(7)).to_have_text("3")
    button = row.get_by_role("button", name=re.compile("^gru_model_"))
    button.click()
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_text("3 settings were judged on some of the candles of BTCUSDT 1h from")).to_be_visible()
    card = page.get_by_role("region", name=re.compile("^Card of gru_model_"))
    for heading in ("Data", "Figures", "What it is not good for", "How it is made"):
        expect(card.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    expect(row_of(page, "Figures", "gru")).to_contain_text("0.5400")
    expect(card.locator("pre")).to_have_text(re.compile("^cli.py train FILE... --type gru --symbol 'BTCUSDT'"))
    # No mark of Markdown is left over.
    assert not re.search(r"`|\*\*|##|\| --", card.inner_text())
    assert (serious_findings(page), overflow(page)) == ([], 0)


def test_a_version_that_has_gone_meanwhile_is_said_to_be_gone(
    service: Service, registry: Registry, open_view: Open
) -> None:
    gone = add_fitted(registry, ModelType.PATCHTST, created_at=NOON + timedelta(minutes=3), metrics=None, verdict=None)
    page = open_view(service, "/#/operations?section=models")
    button = page.get_by_role("button", name=gone.version, exact=True)
    button.click()
    expect(page.get_by_text("It was never judged: a person decides whether it serves.")).to_be_visible()
    expect(page.get_by_text("None: it was never judged.")).to_be_visible()
    button.click()
    shutil.rmtree(registry.root / gone.version)
    button.click()
    expect(page.get_by_role("alert")).to_have_count(2)
    for alert in page.get_by_role("alert").all():
        expect(alert).to_contain_text(f"there is no version {gone.version}")
    assert serious_findings(page) == []


def test_a_version_of_a_further_horizon_is_told_apart_and_steered(service: Service, open_view: Open) -> None:
    before = production(service)
    page = as_operator(open_view, service, "models")
    expect(row_of(page, "Versions of models, newest first", before)).to_contain_text("next close")
    row = row_of(page, "Versions of models, newest first", "lightgbm_model_")
    expect(row).to_contain_text("close, 4 ahead")
    for button in ("Promote", "Roll back"):
        row.get_by_role("button", name=button).click()
        expect(row).to_contain_text("BTCUSDT 1h, 4 candles ahead")
        row.get_by_label("Reason").fill("to see")
        row.get_by_role("button", name=button).click()
        expect(row.get_by_role("button", name="Roll back" if button == "Promote" else "Promote")).to_be_visible()
    assert production(service) == before


def test_without_the_token_a_promotion_is_refused_in_words(service: Service, open_view: Open) -> None:
    before = production(service)
    page = open_view(service, "/#/operations?section=models")
    row = row_of(page, "Versions of models, newest first", "gru_model_")
    row.get_by_role("button", name="Promote").click()
    row.get_by_label("Reason").fill("no token")
    row.get_by_role("button", name="Promote").click()
    expect(row.get_by_role("alert")).to_contain_text(re.compile("token", re.IGNORECASE))
    assert production(service) == before


def test_suggestions_are_accepted_and_rejected_and_a_late_decision_is_refused(
    service: Service, open_view: Open
) -> None:
    accepted = suggest(service)
    page = as_operator(open_view, service, "suggestions")
    card = page.get_by_role("article").first
    expect(card).to_contain_text("confidence from 0.5 to 0.65")
    card.get_by_role("button", name="Accept").click()
    expect(card).to_contain_text("min_confidence: 0.65")
    expect(card).to_contain_text("restart the service")
    expect(card.get_by_role("button", name="Reject")).to_have_count(0)
    assert status_of(service, accepted) == "accepted"
    rejected = suggest(service)
    page.reload()
    page = as_operator(open_view, service, "suggestions")
    page.get_by_role("article").first.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("article").first).to_contain_text("rejected")
    assert status_of(service, rejected) == "rejected"
    late = suggest(service)
    page = as_operator(open_view, service, "suggestions")
    card = page.get_by_role("article").first
    expect(card.get_by_role("button", name="Reject")).to_be_visible()
    # Another operator was faster.
    service.post(f"/ai/config-suggestions/{late}", json={"accept": True}, headers=OPERATOR).raise_for_status()
    card.get_by_role("button", name="Reject").click()
    expect(card.get_by_role("alert")).to_contain_text("accepted")
    assert status_of(service, late) == "accepted"


def test_a_cancelled_job_is_started_again_under_its_id(service: Service, open_view: Open) -> None:
    queued = service.post("/jobs/drill", json={"days": 30, "symbols": 8}, headers=OPERATOR).json()
    page = as_operator(open_view, service, "jobs")
    row = row_of(page, "Jobs, newest first", "drill").first
    row.get_by_role("button", name="Cancel").click()
    row.get_by_role("button", name="Cancel").click()
    expect(row).to_contain_text("cancelled")
    row.get_by_role("button", name="Retry").click()
    expect(row.get_by_role("button", name="Cancel")).to_be_visible()
    again = newest_job(service, "drill")
    assert (again["job_id"], again["status"] in NOT_OVER) == (queued["job_id"], True)
    service_side = service.url + f"/jobs/{queued['job_id']}"
    assert page.request.delete(service_side, headers=OPERATOR).ok
    expect(row).to_contain_text("cancelled")


def test_keys_have_states_in_words_and_a_budget_that_is_used_up_says_so(open_view: Open) -> None:
    fake = FakeOpenAI()
    fake.script(behaviors.unauthorized, key=KEYS[0])
    # One dear answer, so that one question is allowed and spends the budget of the day.
    fake.always = behaviors.altered(usage={"prompt_tokens": 1_000, "completion_tokens": 20_000, "total_tokens": 21_000})
    with (
        exchange() as market,
        serving(fake),
        running_service(
            RATE_LIMITS="off",
            OPENAI_API_KEY=KEYS[0],
            OPENAI_BACKUP_API_KEYS=KEYS[1],
            OPENAI_BASE_URL=fake.url,
            OPENAI_REQUEST_DELAY="0",
            MARKET_DATA_SOURCES="stored,binance",
            MARKET_DATA__BINANCE_URL=market.url,
            LLM__BUDGETS__DAILY_WARNING_USD="0.005",
            LLM__BUDGETS__DAILY_STOP_USD="0.01",
        ) as own,
    ):
        assert analyze(own, "BTCUSDT")["source"] == "llm"
        page = open_view(own, "/#/operations?section=costs")
        table = "Keys of the LLM and their states"
        expect(row_of(page, table, "No. 1")).to_contain_text("■ retired")
        expect(row_of(page, table, "No. 1")).to_contain_text("the provider does not know it")
        expect(row_of(page, table, "No. 1")).to_contain_text("1 of 1")
        expect(row_of(page, table, "No. 2")).to_contain_text("● ready")
        expect(page.locator("p").filter(has_text="Today:")).to_contain_text("used up")
        expect(page.get_by_text("The budget is used up")).to_be_visible()
        expect(page.get_by_role("img", name=re.compile(r"Today: \$0\.\d+ of \$"))).to_be_visible()
        assert serious_findings(page) == []
        content = page.content()
        assert not any(key in content or key[-4:] in content for key in KEYS)
