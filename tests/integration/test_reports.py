"""The four reports on a whole service: real figures or none, kept, listed, and sent where something is wrong."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from domain.ledger.entries import HORIZONS, PLAN
from domain.values import Signal, epoch_ms
from servers.process import free_port
from storage.document_ports import LLM_CALLS
from tests.conftest import MakeClient
from tests.fixtures.containers import container_of
from tests.fixtures.http_stand_in import Answer, Request, StandIn, http_stand_in
from tests.fixtures.settled import DAY_MS, HOUR_MS, keep, settled

Report = dict[str, Any]
PORTFOLIO = "/api/paper-trading/portfolio"
TRADES = "/api/paper-trading/trades/closed"


@pytest.fixture
def server() -> Iterator[StandIn]:
    with http_stand_in() as stand_in:
        stand_in.always(Answer(status=200))
        yield stand_in


def report(client: TestClient, kind: str) -> Report:
    """Make a report, and return it as the service gives it to operators."""
    assert client.portal is not None
    made = client.portal.call(getattr(container_of(client).reports, kind))
    found: Report = client.get(f"/ai/reports/{made.report_id}").raise_for_status().json()
    assert found["kind"] == kind
    return found


def notices(client: TestClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/ai/notices").raise_for_status().json()["notices"]
    return found


def subjects(found: Report) -> list[str]:
    return [finding["subject"] for finding in found["findings"]]


def test_a_service_that_works_reports_so_with_measured_figures(make_client: MakeClient, server: StandIn) -> None:
    with socket.create_server(("127.0.0.1", 0)) as broker:
        tcp = f"tcp://127.0.0.1:{broker.getsockname()[1]}"
        spacious = dict.fromkeys(("disk_warning_share", "disk_critical_share"), 0)
        spacious |= dict.fromkeys(("memory_warning_share", "memory_critical_share"), 0)
        client = make_client(
            market_data={"sources": ["stored", "synthetic"], "engine_url": server.url},
            reports={"peers": [f"{server.url}/status", tcp], **spacious},
        )
        found = report(client, "health")
    assert (found["level"], found["summary"], found["findings"]) == ("ok", "everything works", [])
    figures = found["figures"]
    assert len(figures["peers"]) == 3
    assert all(peer["reachable"] and peer["milliseconds"] > 0 for peer in figures["peers"])
    assert set(figures["stores"]) == {"analyses", "documents", "ledger"}
    assert all(store["available"] for store in figures["stores"].values())
    assert figures["memory"]["total_bytes"] > figures["process_bytes"] > 10_000_000
    assert all(0 < disk["free_bytes"] <= disk["total_bytes"] for disk in figures["disks"])
    assert "/status" in [request.path for request in server.requests]
    assert notices(client) == []


def test_peers_that_do_not_answer_are_named_and_the_operators_told_once(
    make_client: MakeClient, server: StandIn
) -> None:
    server.always(Answer(status=503))
    closed, silent = free_port(), socket.create_server(("127.0.0.1", 0))
    quiet = f"127.0.0.1:{silent.getsockname()[1]}"
    with silent:
        client = make_client(
            market_data={"sources": ["stored", "synthetic"], "engine_url": server.url},
            reports={
                "peers": [f"tcp://127.0.0.1:{closed}", f"http://{quiet}"],
                "peer_timeout_seconds": 0.2,
                "disk_warning_share": 0,
                "disk_critical_share": 0,
                "memory_warning_share": 0,
                "memory_critical_share": 0,
            },
        )
        found = report(client, "health")
        report(client, "health")
    assert found["level"] == "warning"
    texts = {finding["subject"]: finding["text"] for finding in found["findings"]}
    place = f"127.0.0.1:{closed}"
    assert texts["engine"] == "engine answered with status 503"
    assert texts[place] == f"{place} cannot be reached"
    assert texts[quiet] == f"{quiet} did not answer in 0.2 s"
    assert len(texts) == 3
    (notice,) = notices(client)
    assert (notice["level"], notice["title"], notice["state"]) == ("warning", "Health report: warning", "logged")
    assert all(text in notice["text"] for text in texts.values())


def test_too_little_space_is_a_warning_or_critical_by_the_thresholds(make_client: MakeClient) -> None:
    client = make_client(
        reports={
            "disk_warning_share": 1,
            "disk_critical_share": 0,
            "memory_warning_share": 1,
            "memory_critical_share": 1,
        }
    )
    found = report(client, "health")
    assert found["level"] == "critical"
    levels = {finding["subject"]: finding["level"] for finding in found["findings"]}
    assert levels == {"memory": "critical", "disk": "warning"}
    assert found["findings"][0]["subject"] == "memory"


def test_what_works_again_is_told(make_client: MakeClient, server: StandIn) -> None:
    server.always(Answer(status=500))
    client = make_client(
        market_data={"sources": ["stored", "synthetic"], "engine_url": server.url},
        reports={
            "disk_warning_share": 0,
            "disk_critical_share": 0,
            "memory_warning_share": 0,
            "memory_critical_share": 0,
        },
    )
    report(client, "health")
    server.always(Answer(status=404))
    report(client, "health")
    report(client, "health")
    assert [notice["title"] for notice in notices(client)] == ["Health report: works again", "Health report: warning"]


def engine(portfolio: object, trades: object) -> Callable[[Request], Answer]:
    return lambda request: Answer.of({"success": True, "data": portfolio if request.path == PORTFOLIO else trades})


def test_the_portfolio_is_reported_by_the_engines_figures(make_client: MakeClient, server: StandIn) -> None:
    profits = [10.0, 20.0, -6.0, 0.0, 16.0]
    trades = [{"id": str(number), "pnl_usdt": profit} for number, profit in enumerate(profits)]
    server.answer = engine({"current_balance": 10_040.0, "initial_balance": 10_000.0}, [*trades, {"id": "x"}])
    client = make_client(market_data={"sources": ["stored"], "engine_url": server.url})
    found = report(client, "portfolio")
    figures = found["figures"]
    assert (found["level"], figures["balance"], figures["closed_trades"]) == ("ok", 10_040, 5)
    assert figures["total_return_percent"] == pytest.approx(0.4)
    assert (figures["average_profit"], figures["trades_without_profit"]) == (8, 1)
    rate = figures["win_rate"]
    assert (rate["value"], rate["count"]) == (0.6, 5)
    assert 0 < rate["low"] < 0.6 < rate["high"] < 1
    assert "60% of 5 closed trades won" in found["summary"]
    assert [notice["level"] for notice in notices(client)] == ["info"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=500),
        Answer(b"no json"),
        Answer.of({"success": False}),
        Answer.of({"success": True, "data": None}),
        Answer.of({"success": True, "data": 5}),
    ],
)
def test_an_engine_that_gives_no_portfolio_is_said_and_no_figure_invented(
    make_client: MakeClient, server: StandIn, answer: Answer
) -> None:
    server.always(answer)
    client = make_client(market_data={"sources": ["stored"], "engine_url": server.url})
    found = report(client, "portfolio")
    assert found["level"] == "warning"
    assert set(found["figures"].values()) == {None}
    assert found["summary"].startswith("the trading engine answered")


def test_without_an_engine_the_portfolio_report_says_so(client: TestClient) -> None:
    found = report(client, "portfolio")
    assert (found["level"], found["summary"]) == ("ok", "no trading engine is configured: set RUST_API_URL")
    assert set(found["figures"].values()) == {None}


def spend(client: TestClient, day: datetime, *usd: float) -> None:
    documents = container_of(client).base.stores.documents
    assert client.portal is not None
    for number, cost in enumerate(usd):
        call = {
            "created_at": day,
            "day": day.date().isoformat(),
            "model": "m",
            "symbol": "BTCUSDT",
            "cost_nano_usd": round(cost * 1e9),
            "unpriced": 0,
        }
        client.portal.call(documents.put, LLM_CALLS, f"{day.isoformat()} {number} {cost}", call)


@pytest.mark.parametrize(
    ("spent", "level", "text"),
    [
        ((0.5, 1.0), "ok", ""),
        ((1.5, 0.5), "warning", "the cost of today is 2.00 USD, the warning level is 2.00"),
        ((4.0, 1.5), "critical", "the cost of today is 5.50 USD, the limit is 5.00"),
    ],
)
def test_the_cost_of_a_day_is_judged_by_the_budgets(
    client: TestClient, spent: tuple[float, ...], level: str, text: str
) -> None:
    spend(client, datetime.now(UTC), *spent)
    found = report(client, "cost")
    assert found["level"] == level
    assert found["figures"]["today_usd"] == sum(spent)
    assert found["figures"]["today_calls"] == len(spent)
    assert found["figures"]["month_usd"] == sum(spent)
    assert (found["findings"][0]["text"] if text else "") == text
    assert (notices(client)[0]["level"], len(notices(client))) == ({"ok": "info"}.get(level, level), 1)


def test_the_cost_of_yesterday_is_told_also_on_the_first_of_a_month(client: TestClient) -> None:
    spend(client, datetime.now(UTC) - timedelta(days=1), 3.0)
    found = report(client, "cost")
    assert (found["figures"]["yesterday_usd"], found["figures"]["today_usd"]) == (3, 0)
    assert subjects(found) == ["cost of yesterday"]


def plans(days: int, won_of_ten: int) -> list[Any]:
    """Return a plan a day of one market on 1h; of every ten, `won_of_ten` reach their target."""
    begin_ms = epoch_ms(datetime.now(UTC)) // DAY_MS * DAY_MS - days * DAY_MS
    found = []
    for day in range(days):
        move = 0.04 if day % 10 < won_of_ten else -0.02
        known = {"closed_ms": begin_ms + day * DAY_MS + HOUR_MS, "known_ms": begin_ms + day * DAY_MS + HOUR_MS + 1_000}
        found.append(settled(move, (1, HORIZONS[-1], PLAN), side=Signal.LONG, given=True, **known))
    return found


@pytest.mark.parametrize(
    ("won_of_ten", "level", "subjects_told"),
    [
        (9, "ok", []),
        (6, "warning", ["win rate of signals"]),
        (3, "critical", ["win rate of signals", "Sharpe ratio of signals"]),
    ],
)
def test_performance_is_judged_by_settled_signals(
    client: TestClient, won_of_ten: int, level: str, subjects_told: list[str]
) -> None:
    assert client.portal is not None
    client.portal.call(keep, container_of(client).base.stores.ledger, plans(50, won_of_ten))
    found = report(client, "performance")
    rate = found["figures"]["signals"]["win_rate"]
    assert (rate["value"], rate["count"]) == (won_of_ten / 10, 50)
    assert rate["low"] < rate["value"] < rate["high"]
    sharpe = found["figures"]["signals"]["sharpe_ratio"]
    assert (sharpe["count"], sharpe["low"] < sharpe["value"] < sharpe["high"]) == (50, True)
    assert found["level"] == level
    assert [finding["subject"] for finding in found["findings"] if finding["level"] != "ok"] == subjects_told
    assert all("interval" in finding["text"] for finding in found["findings"])
    # 50 days are five times as long as a plan may be open: too few of them are independent.
    assert found["figures"]["signals"]["horizon"] == 24


def test_performance_is_judged_by_plans_once_enough_of_them_are_independent(make_client: MakeClient) -> None:
    client = make_client(reports={"performance_days": 300})
    assert client.portal is not None
    client.portal.call(keep, container_of(client).base.stores.ledger, plans(250, 9))
    found = report(client, "performance")
    judged = found["figures"]["signals"]
    assert (judged["horizon"], judged["timeframe"], judged["win_rate"]["count"]) == ("plan", "1h", 250)
    assert judged["effective"] >= 30
    assert found["level"] == "ok"


def test_too_few_plans_are_insufficient_and_judged_not_at_all(client: TestClient) -> None:
    assert client.portal is not None
    client.portal.call(keep, container_of(client).base.stores.ledger, plans(10, 0))
    found = report(client, "performance")
    assert found["level"] == "ok"
    assert [finding["text"].partition(":")[0] for finding in found["findings"]] == ["insufficient", "insufficient"]
    assert found["figures"]["signals"]["win_rate"]["count"] == 10
    assert found["figures"]["signals"]["sharpe_ratio"]["value"] is None


def test_the_engines_closed_trades_are_judged_beside_the_plans(make_client: MakeClient, server: StandIn) -> None:
    begun = datetime(2025, 1, 1, tzinfo=UTC)
    trades = [
        {"pnl": -1.0 if day % 2 else 0.5, "close_time": (begun + timedelta(days=day)).isoformat()} for day in range(60)
    ]
    server.answer = engine({}, trades)
    client = make_client(market_data={"sources": ["stored"], "engine_url": server.url})
    found = report(client, "performance")
    judged = found["figures"]["trades"]
    assert (judged["win_rate"]["value"], judged["win_rate"]["count"]) == (0.5, 60)
    assert (judged["sharpe_ratio"]["count"], judged["sharpe_ratio"]["value"] < 0) == (60, True)
    assert [finding["subject"] for finding in found["findings"] if finding["level"] == "critical"] == [
        "win rate of trades",
        "Sharpe ratio of trades",
    ]


def test_reports_are_listed_newest_first_by_kind(client: TestClient) -> None:
    made = [report(client, kind)["report_id"] for kind in ("cost", "portfolio", "cost")]
    listed = client.get("/ai/reports").json()["reports"]
    assert [report["report_id"] for report in listed] == made[::-1]
    assert [report["report_id"] for report in client.get("/ai/reports?kind=cost&limit=1").json()["reports"]] == made[2:]
    assert client.get("/ai/reports?kind=weather").status_code == 422
    assert client.get("/ai/reports/nothing").status_code == 404
    assert client.get("/ai/reports/%ED%A0%80%00").status_code == 404
    assert client.post("/ai/webhooks/dead-letters/%ED%A0%80%00/retry").status_code == 404
    json.dumps(listed, allow_nan=False)
